"""`slm-mux collect`: draw a task's samples, each once, into a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from slm_mux.cli.options import (
    DEFAULT_STORE,
    Json,
    Labels,
    Limit,
    MaxTokens,
    Samples,
    StorePath,
    TaskName,
    Temperature,
    pool_at,
)

if TYPE_CHECKING:
    from slm_mux.types import ProblemKind


def collect(
    task: Annotated[
        str,
        typer.Argument(
            help="gsm8k, math, gpqa, humaneval, demo, a data file (JSONL, JSON, CSV, Parquet), or "
            "a task file (YAML)."
        ),
    ],
    pool: Annotated[Path | None, typer.Option(help="Pool file; found as by `ask`.")] = None,
    store: StorePath = DEFAULT_STORE,
    split: Annotated[str | None, typer.Option(help="One split of the task.")] = None,
    limit: Limit = None,
    samples: Samples = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other draws.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and draw nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Draw again what failed before.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Leave exactly the data's problems in the task."),
    ] = False,
    json: Json = False,
    data: Annotated[
        Path | None, typer.Option(help="Where a benchmark's data is; else it is fetched.")
    ] = None,
    name: TaskName = None,
    kind: Annotated[str | None, typer.Option(help="Answer kind of your own problems.")] = None,
    question_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    target_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    id_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    split_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    choices_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    label: Labels = None,
    prompt: Annotated[
        str | None, typer.Option(help="A text around each question, with {question} in it.")
    ] = None,
    shuffle_seed: Annotated[
        int, typer.Option(help="For GPQA's official file, whose choices have no order.")
    ] = 0,
) -> None:
    """Draw a task's samples into a store: each once, resumable, none lost."""
    from slm_mux.cli.collecting import Wanted, collect_and_show
    from slm_mux.collecting.asking import Settings
    from slm_mux.tasks import TaskOptions, load_task

    options = TaskOptions(
        kind=cast("ProblemKind | None", kind),
        question_field=question_field,
        target_field=target_field,
        id_field=id_field,
        split_field=split_field,
        choices_field=choices_field,
        labels=tuple(label or ()),
        prompt=prompt,
        shuffle_seed=shuffle_seed,
        name=name,
    )
    loaded = load_task(task, data=data, options=options)
    wanted = Wanted(
        task=loaded,
        name=name or loaded.name,
        problems=loaded.select(split, limit),
        store=store,
        settings=Settings(
            samples=samples, temperature=temperature, max_tokens=max_tokens, seed=seed
        ),
        retry_failed=retry_failed,
        replace=replace,
    )
    collect_and_show(wanted, pool_at(pool), dry_run=dry_run, as_json=json)
