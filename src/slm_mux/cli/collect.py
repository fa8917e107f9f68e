"""`slm-mux collect`: draw a task's samples, each once, into a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from slm_mux.types import KindName

DEFAULT_STORE = Path("samples.db")


def collect(
    task: Annotated[
        str,
        typer.Argument(
            help="gsm8k, math, gpqa, humaneval, demo, a data file (JSONL, JSON, CSV, Parquet), or "
            "a task file (YAML)."
        ),
    ],
    pool: Annotated[Path | None, typer.Option(help="Pool file; found as by `ask`.")] = None,
    store: Annotated[Path, typer.Option(help="The store.")] = DEFAULT_STORE,
    split: Annotated[str | None, typer.Option(help="One split of the task.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="At most so many problems, the first ones.")
    ] = None,
    samples: Annotated[int | None, typer.Option("--samples", "-k", help="Draws per model.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Sampling temperature.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Token limit of each draw.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other draws.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and draw nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Draw again what failed before.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Overwrite stored problems whose content has changed."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Where a benchmark's data is; else it is fetched.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The task's name in the store, if not its own.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Answer kind of your own problems.")] = None,
    question_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    target_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    id_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    split_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    choices_field: Annotated[str | None, typer.Option(help="Of your data file.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="One label of a classification; repeat it."),
    ] = None,
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
    from slm_mux.models.pool import Pool
    from slm_mux.tasks import TaskOptions, load_task

    given: dict[str, Any] = {
        "kind": cast("KindName | None", kind),
        "question_field": question_field,
        "target_field": target_field,
        "id_field": id_field,
        "split_field": split_field,
        "choices_field": choices_field,
        "labels": tuple(label or ()),
        "prompt": prompt,
        "shuffle_seed": shuffle_seed,
        "name": name,
    }
    loaded = load_task(task, data=data, options=TaskOptions(**given))
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
    found = Pool.find() if pool is None else Pool.load(pool)
    collect_and_show(wanted, found, dry_run=dry_run, as_json=json)
