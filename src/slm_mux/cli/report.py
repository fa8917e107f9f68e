"""`slm-mux report`: everything about a task's samples as one page."""

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
    Resamples,
    Samples,
    SeedOfStudy,
    StoreToRead,
    SubsetModels,
    TaskName,
)


def report(
    task: Annotated[str, typer.Argument(help="A task that the store has, by name or by file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page to write, one HTML file.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write each chart there, as SVG and PNG."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the page.")] = False,
    store: StoreToRead = None,
    pool: PoolOfStudy = None,
    split: Annotated[
        str | None,
        typer.Option(help="The split to report on, or all; test where the task has one."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare mux with single, self_consistency, agent_forest; repeat it. All if none."
        ),
    ] = None,
    worst: Annotated[
        int, typer.Option(help="So many of the worst questions, with every model's texts.")
    ] = 20,
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
    """Write one page of figures and worst questions, to open anywhere. Nothing is drawn."""
    from slm_mux.cli.reporting import Wanted, report_and_write

    report_and_write(
        Wanted(
            task=task,
            output=output,
            figures=figures,
            force=force,
            store=store,
            pool=pool,
            split=split,
            methods=tuple(method or ()),
            worst=worst,
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
