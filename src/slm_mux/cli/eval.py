"""`slm-mux eval`: methods on a task, from the store or live; and the runs that were saved."""

from pathlib import Path
from typing import Annotated

import typer

from slm_mux.cli.options import (
    ALLOWED_FAILURES,
    DEFAULT_STORE,
    Json,
    Limit,
    Samples,
    StoreToRead,
    TaskName,
)


def evaluate(
    task: Annotated[
        str,
        typer.Argument(
            help="A task that the store has, by name or by file; with --pool, any that `collect` "
            "takes."
        ),
    ],
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Pool file: what is missing is drawn. Without it, every model whose samples the "
            "store has."
        ),
    ] = None,
    store: StoreToRead = None,
    split: Annotated[
        str | None,
        typer.Option(help="One split, or all; test by default where the task has one."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="mux, single, self_consistency, agent_forest (all of these if none is given); "
            "with --pool also debate, mixture_of_agents (moa), multi_agent_verification (mav), "
            "universal_self_consistency (usc), or all. Repeat it."
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="TOKENS",
            help="Tokens a question (prompt and completion, on average) that each method may cost: "
            "counting methods draw as many as it affords; one answer or a discussion costs what it "
            "costs, and has figures if that is within it.",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Draw nothing: the store's samples only.")
    ] = False,
    samples: Samples = None,
    stopping: Annotated[
        str | None,
        typer.Option(
            help="Live, for mux alone: eager or frugal stop drawing when the answer is settled."
        ),
    ] = None,
    limit: Limit = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Of the draws, and of the intervals' resampling; the pool's by default."),
    ] = None,
    allow_failures: Annotated[
        float, typer.Option(help="Exit 1 when a larger share of the draws failed.")
    ] = ALLOWED_FAILURES,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Live: draw again what failed before.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Live: where a benchmark's data is, if the store does not have the task."
        ),
    ] = None,
    name: TaskName = None,
    json: Json = False,
) -> None:
    """Compare methods on a task: accuracy, cost, and differences with their intervals."""
    from slm_mux.cli.evaluating import Wanted, evaluate_and_show

    evaluate_and_show(
        Wanted(
            task=task,
            pool=pool,
            store=store,
            split=split,
            methods=tuple(method or ()),
            budget=budget,
            offline=offline,
            samples=samples,
            stopping=stopping,
            limit=limit,
            seed=seed,
            allow_failures=allow_failures,
            data=data,
            name=name,
            retry_failed=retry_failed,
        ),
        as_json=json,
    )


def runs(
    number: Annotated[int | None, typer.Argument(help="Show this run again.")] = None,
    store: Annotated[
        Path | None,
        typer.Option(help=f"The store; {DEFAULT_STORE} by default, else the unpacked recording."),
    ] = None,
    json: Json = False,
) -> None:
    """List the runs that `eval` saved, or show one again."""
    from slm_mux.cli.evaluating import show_runs

    show_runs(store, number, as_json=json)
