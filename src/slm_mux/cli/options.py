"""Options that several commands have, each with one wording."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slm_mux.errors import InvalidRequestError

if TYPE_CHECKING:
    from slm_mux.models.pool import Pool

ALLOWED_FAILURES = 0.05
"""The share of draws, or of a discussion's calls, that may fail where nothing else is said."""
DEFAULT_STORE = Path("samples.db")

Correct = Annotated[
    str,
    typer.Option(
        help="When a model counts as correct: modal (its candidate is), or at-least:R draws."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Labels = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL", help="One label of a classification; repeat it."),
]
Limit = Annotated[int | None, typer.Option(help="At most so many problems, the first ones.")]
MaxModels = Annotated[int, typer.Option(help="The most models in a subset.")]
MaxTokens = Annotated[int | None, typer.Option(help="Token limit of each draw.")]
Objective = Annotated[
    str, typer.Option(help="objective (the paper's), accuracy or focal-diversity.")
]
Penalty = Annotated[float, typer.Option(help="What contradiction costs in the objective (lambda).")]
PoolOfStudy = Annotated[
    Path | None,
    typer.Option(
        "--pool",
        help="Pool file: only its models, as it asks them. All of the store if none.",
    ),
]
Resamples = Annotated[int, typer.Option(help="Resamples of the problems, for the intervals.")]
Samples = Annotated[int | None, typer.Option("--samples", "-k", help="Draws per model.")]
SeedOfStudy = Annotated[
    int | None,
    typer.Option("--seed", help="Of the resampling; the pool's, or 0, by default."),
]
StorePath = Annotated[Path, typer.Option(help="The store.")]
StoreToRead = Annotated[
    Path | None,
    typer.Option(
        "--store", help=f"The store; {DEFAULT_STORE} by default, for demo also the recording."
    ),
]
SubsetModels = Annotated[
    str | None,
    typer.Option(
        "--models", metavar="A,B,C", help="The subset to say more about; the best found if none."
    ),
]
TaskName = Annotated[
    str | None, typer.Option("--name", help="The task's name in the store, if not its own.")
]
Temperature = Annotated[float | None, typer.Option(help="Sampling temperature.")]


def check_output(path: Path, option: str, *, force: bool) -> None:
    """Refuse a place where no file can be written, before the work is done.

    Args:
        path: that the option names.
        option: as a user writes it.
        force: whether a file there may be overwritten.

    Raises:
        InvalidRequestError: a folder is there, or a file without `force`; or there is no folder
            for it.
    """
    if path.is_dir():
        raise InvalidRequestError(f"{path} is a folder; {option} names a file")
    if path.exists() and not force:
        raise InvalidRequestError(f"{path} exists; --force overwrites it, {option} names another")
    if not path.parent.is_dir():
        raise InvalidRequestError(f"{path}: there is no folder {path.parent}; make it first")


def pool_at(path: Path | None) -> "Pool":
    """Load the pool file that is named, else the one that is found.

    Raises:
        PoolError: it is wrong, or not there.
    """
    from slm_mux.models.pool import Pool

    return with_checked_methods(Pool.find() if path is None else Pool.load(path))


def with_checked_methods(pool: "Pool") -> "Pool":
    """Give back a pool whose settings of methods are right.

    Raises:
        PoolError: they are not.
    """
    if pool.methods:
        from slm_mux.discussion.of_pool import check_methods

        check_methods(pool)
    return pool
