"""`slm-mux init`: find the servers that run here and write a pool file for them."""

from pathlib import Path
from typing import Annotated

import typer

from slm_mux.cli.options import Json


def init(
    url: Annotated[
        list[str] | None,
        typer.Option(help="Ask this address instead of the usual local ones; repeat it."),
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable that holds the key of --url."),
    ] = None,
    builtin: Annotated[
        bool, typer.Option("--builtin", help="Write the built-in models, which need no server.")
    ] = False,
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("pool.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    json: Json = False,
) -> None:
    """Look for model servers on this machine and write a pool file for what they serve."""
    from slm_mux.cli.initialising import write_pool_file

    write_pool_file(
        output,
        urls=tuple(url or ()),
        api_key_env=api_key_env,
        builtin=builtin,
        force=force,
        as_json=json,
    )
