"""`slm-mux import` and `slm-mux export`: samples into the store from files, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slm_mux.cli.options import DEFAULT_STORE, Json, Labels, StorePath

if TYPE_CHECKING:
    from rich.console import Console

    from slm_mux.importing import ImportSummary

_MOST_UNSCORED = 5
"""Problems that are named, of each sort."""


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
    from slm_mux.importing import FORMATS, ImportOptions, store_for_import
    from slm_mux.importing import import_files as import_into
    from slm_mux.questions import check_name
    from slm_mux.types import ProblemKind
    from slm_mux.wording import counted

    check_name("format", form, ("auto", *FORMATS))
    if kind is not None:
        check_name("kind", kind, get_args(ProblemKind))
    options = ImportOptions(
        kind=cast("ProblemKind | None", kind), labels=tuple(label or ()), model=model, split=split
    )
    with store_for_import(store) as opened:
        summary = import_into(opened, files, task=task, format=form, options=options)
    if json:
        print_json({"store": str(store), **msgspec.to_builtins(summary)})
        return
    for note in summary.notes:
        print_line(messages(), f"note: {note}")
    _tell_unscored(messages(), summary)
    for each in summary.models:
        print_line(
            results(),
            f"{each.model}: {counted(each.samples, 'new sample')} of "
            f"{counted(each.problems, 'problem')}",
        )
    print_line(
        results(),
        f"{', '.join(summary.tasks)}: {counted(summary.samples, 'sample')}, {summary.new:,} new; "
        f"the store {store} has {counted(summary.problems, 'problem')}",
    )


def _tell_unscored(out: "Console", summary: "ImportSummary") -> None:
    from slm_mux.cli.console import print_line
    from slm_mux.importing.unscored import NO_TARGET
    from slm_mux.wording import counted

    bare = [each.problem for each in summary.unscored if each.reason == NO_TARGET]
    if bare:
        have, are = ("has", "is") if len(bare) == 1 else ("have", "are")
        more = f" and {len(bare) - _MOST_UNSCORED:,} more" if len(bare) > _MOST_UNSCORED else ""
        print_line(
            out,
            f"note: {len(bare):,} of {counted(summary.problems, 'problem')} {have} no target and "
            f"{are} not scored: {', '.join(bare[:_MOST_UNSCORED])}{more}",
        )
    others = [each for each in summary.unscored if each.reason != NO_TARGET]
    for each in others[:_MOST_UNSCORED]:
        print_line(
            out,
            f"warning: {each.task}: {each.problem} is not scored: {each.reason}",
            style="yellow",
        )
    if len(others) > _MOST_UNSCORED:
        print_line(out, f"… and {counted(len(others) - _MOST_UNSCORED, 'more such warning')}")


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
    from slm_mux.wording import counted

    format_of(file)
    with Store.open_to_read(store) as opened:
        if split is not None:
            known = sorted({each for info in opened.tasks() for each in info.splits if each})
            check_name("split", split, known)
        rows = export_samples(opened, file, tasks=task or None, split=split)
    if json:
        print_json({"file": str(file), "rows": rows})
    else:
        print_line(results(), f"{file}: {counted(rows, 'sample')}")
