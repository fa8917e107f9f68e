"""`slm-mux explain`: why a saved run failed where it failed."""

from pathlib import Path
from typing import Annotated

import typer

from slm_mux.cli.options import DEFAULT_STORE, Json


def explain(
    run: Annotated[int, typer.Argument(help="A run's number, as `slm-mux runs` lists it.")],
    store: Annotated[
        Path | None,
        typer.Option(help=f"The store; {DEFAULT_STORE} by default, else the unpacked recording."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="A discussion of the run, for instance debate; repeat it. All if none."),
    ] = None,
    worst: Annotated[
        int, typer.Option(help="So many failures of each discussion with their texts.")
    ] = 0,
    label_with: Annotated[
        Path | None,
        typer.Option(
            "--label-with", metavar="POOL", help="Pool file of a model that labels failed debates."
        ),
    ] = None,
    labeller: Annotated[
        str | None, typer.Option(help="The model of --label-with; its first by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Show why mux and the discussions of a run failed where they did.

    Nothing is drawn, but for the labels that --label-with asks for.
    """
    from slm_mux.cli.explaining import Wanted, explain_and_show

    explain_and_show(
        Wanted(
            run=run,
            store=store,
            methods=tuple(method or ()),
            worst=worst,
            label_with=label_with,
            labeller=labeller,
        ),
        as_json=json,
    )
