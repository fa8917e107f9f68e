"""`slm-mux serve`: the pool behind an OpenAI-compatible endpoint."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    pool: Annotated[
        list[Path] | None,
        typer.Option(
            help="Pool file; repeat it for more pools. The first one is the model `mux`, each one "
            "also `mux@NAME` by its file's name. Without it: as for `slm-mux ask`."
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on; 127.0.0.1 by default. Any other than the loopback needs "
            "a key."
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 8383 by default, 0 for a free one.")
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Environment variable with the keys that clients must send: KEY or LABEL=KEY, "
            "separated by commas or line breaks.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Settings file (YAML) with every limit; docs/serving.md lists them."),
    ] = None,
) -> None:
    """Serve the pool to any OpenAI client, until Ctrl-C."""
    from slm_mux.cli.serving import serve_pools

    serve_pools(
        pool or [],
        config=config,
        options={"host": host, "port": port, "api_key_env": api_key_env},
    )
