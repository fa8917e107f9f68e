"""`slm-mux import` and `slm-mux export`: samples into the store from files, and back."""

from pathlib import Path
from typing import Annotated

import typer

from slm_mux.cli.options import DEFAULT_STORE, Json, Labels, StorePath


def import_files(
    files: Annotated[list[Path], typer.Argument(help="Logs of other tools, or exports.")],
    task: Annotated[
        str | None,
        typer.Option(help="The task's name in the store; exports have their own."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="auto, plain, reference, lm-eval, inspect or own.")
    ] = "auto",
    store: StorePath = DEFAULT_STORE,
    kind: Annotated[str | None, typer.Option(help="Answer kind, where the guess is wrong.")] = None,
    label: Labels = None,
    model: Annotated[
        str | None, typer.Option(help="The model's name, instead of the one in the files.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="The split of problems whose file names none.")
    ] = None,
    json: Json = False,
) -> None:
    """Import evaluation logs as samples; the task is then good for `eval --offline`."""
    from typing import cast, get_args

    import msgspec

    from slm_mux.cli.console import messages, print_json, print_line, results
    from slm_mux.importing import FORMATS, ImportOptions
    from slm_mux.importing import import_files as import_into
    from slm_mux.questions import check_name
    from slm_mux.store.store import Store
    from slm_mux.types import KindName

    check_name("format", form, ("auto", *FORMATS))
    if kind is not None:
        check_name("kind", kind, get_args(KindName))
    options = ImportOptions(
        kind=cast("KindName | None", kind), labels=tuple(label or ()), model=model, split=split
    )
    with Store.open(store) as opened:
        summary = import_into(opened, files, task=task, format=form, options=options)
    if json:
        print_json({"store": str(store), **msgspec.to_builtins(summary)})
        return
    for note in summary.notes:
        print_line(messages(), f"note: {note}")
    for each in summary.models:
        print_line(
            results(), f"{each.model}: {each.samples:,} new samples of {each.problems:,} problems"
        )
    print_line(
        results(),
        f"{', '.join(summary.tasks)}: {summary.new:,} of {summary.samples:,} samples are new; the "
        f"store {store} has {summary.problems:,} problems",
    )


def export(
    file: Annotated[Path, typer.Argument(help="What to write: a .jsonl or .parquet file.")],
    store: StorePath = DEFAULT_STORE,
    task: Annotated[
        list[str] | None, typer.Option(help="Only this task; repeat it. All if none.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    json: Json = False,
) -> None:
    """Write the store's samples to a file, one row per sample."""
    from slm_mux.cli.console import print_json, print_line, results
    from slm_mux.questions import check_name
    from slm_mux.store.exchange import export_samples, format_of
    from slm_mux.store.store import Store

    format_of(file)
    with Store.open_to_read(store) as opened:
        if split is not None:
            known = sorted({each for info in opened.tasks() for each in info.splits if each})
            check_name("split", split, known)
        rows = export_samples(opened, file, tasks=task or None, split=split)
    if json:
        print_json({"file": str(file), "rows": rows})
    else:
        print_line(results(), f"{file}: {rows:,} samples")
