"""`slm-mux search`: which models of a store belong together."""

from pathlib import Path
from typing import Annotated

import typer

from slm_mux.cli.options import (
    Correct,
    Json,
    MaxModels,
    Objective,
    Penalty,
    PoolOfStudy,
    Samples,
    SeedOfStudy,
    StoreToRead,
    TaskName,
)


def search(
    task: Annotated[str, typer.Argument(help="A task that the store has, by name or by file.")],
    store: StoreToRead = None,
    pool: PoolOfStudy = None,
    split: Annotated[
        str | None,
        typer.Option(help="The split to search, or all; validation where the task has one."),
    ] = None,
    max_models: MaxModels = 5,
    objective: Objective = "objective",
    penalty: Penalty = 1.0,
    correct: Correct = "modal",
    cost_limit: Annotated[
        float | None,
        typer.Option(
            metavar="TOKENS", help="Also the best subset and k for so many tokens per question."
        ),
    ] = None,
    samples: Samples = None,
    seed: SeedOfStudy = None,
    node_limit: Annotated[
        int | None, typer.Option(help="Give up the proof of a size after so many sets.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Give up the proof of a size after so long."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the best subset as a pool file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite that file.")] = False,
    name: TaskName = None,
    json: Json = False,
) -> None:
    """Find the models that do best together, and how sure that is. Nothing is drawn."""
    from slm_mux.cli.searching import Wanted, search_and_show

    search_and_show(
        Wanted(
            task=task,
            store=store,
            pool=pool,
            split=split,
            max_models=max_models,
            objective=objective,
            penalty=penalty,
            correct=correct,
            cost_limit=cost_limit,
            samples=samples,
            seed=seed,
            node_limit=node_limit,
            time_limit=time_limit,
            write=write,
            force=force,
            name=name,
        ),
        as_json=json,
    )
