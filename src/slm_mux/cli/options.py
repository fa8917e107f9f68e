"""Options that several commands have, each with one wording."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from slm_mux.models.pool import Pool

DEFAULT_STORE = Path("samples.db")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Labels = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL", help="One label of a classification; repeat it."),
]
Limit = Annotated[int | None, typer.Option(help="At most so many problems, the first ones.")]
MaxTokens = Annotated[int | None, typer.Option(help="Token limit of each draw.")]
Samples = Annotated[int | None, typer.Option("--samples", "-k", help="Draws per model.")]
StorePath = Annotated[Path, typer.Option(help="The store.")]
StoreToRead = Annotated[
    Path | None,
    typer.Option(
        "--store", help=f"The store; {DEFAULT_STORE} by default, for demo also the recording."
    ),
]
TaskName = Annotated[
    str | None, typer.Option("--name", help="The task's name in the store, if not its own.")
]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature.")]


def pool_at(path: Path | None) -> "Pool":
    """Load the pool file that is named, else the one that is found.

    Raises:
        PoolError: it is wrong, or not there.
    """
    from slm_mux.models.pool import Pool

    return Pool.find() if path is None else Pool.load(path)
