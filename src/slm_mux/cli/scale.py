"""`slm-mux scale`: what more draws and more models buy."""

from typing import Annotated

import typer

from slm_mux.cli.options import (
    Correct,
    Json,
    MaxModels,
    Objective,
    Penalty,
    PoolOfStudy,
    Resamples,
    Samples,
    SeedOfStudy,
    StoreToRead,
    SubsetModels,
    TaskName,
)


def scale(
    task: Annotated[str, typer.Argument(help="A task that the store has, by name or by file.")],
    store: StoreToRead = None,
    pool: PoolOfStudy = None,
    split: Annotated[
        str | None,
        typer.Option(help="The split to measure, or all; test where the task has one."),
    ] = None,
    models: SubsetModels = None,
    max_models: MaxModels = 5,
    objective: Objective = "objective",
    penalty: Penalty = 1.0,
    correct: Correct = "modal",
    samples: Samples = None,
    seed: SeedOfStudy = None,
    resamples: Resamples = 1_000,
    name: TaskName = None,
    json: Json = False,
) -> None:
    """Show accuracy against draws and models, and what explains it. Nothing is drawn."""
    from slm_mux.cli.scaling import Wanted, scale_and_show

    scale_and_show(
        Wanted(
            task=task,
            store=store,
            pool=pool,
            split=split,
            models=models,
            max_models=max_models,
            objective=objective,
            penalty=penalty,
            correct=correct,
            samples=samples,
            seed=seed,
            resamples=resamples,
            name=name,
        ),
        as_json=json,
    )
