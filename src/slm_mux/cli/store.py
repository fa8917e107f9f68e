"""`slm-mux store`: what is in a store, whether it is sound, and making it smaller."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slm_mux.cli.options import DEFAULT_STORE, Json

if TYPE_CHECKING:
    from slm_mux.store.salvage import SalvageReport
    from slm_mux.store.store import Store
    from slm_mux.store.verify import VerifyReport

app = typer.Typer(
    name="store",
    help="Look at the store of samples, check it, and save what is sound.",
    no_args_is_help=True,
)

_Path = Annotated[
    Path | None, typer.Argument(metavar="[STORE]", help=f"The store; {DEFAULT_STORE} by default.")
]
_Option = Annotated[Path | None, typer.Option("--store", help="The same, as for other commands.")]
_MOST_SHOWN = 20


@app.command()
def info(path: _Path = None, store: _Option = None, json: Json = False) -> None:
    """Say what is in the store."""
    import msgspec

    from slm_mux.cli.console import print_json, print_line, results
    from slm_mux.store.store import Store
    from slm_mux.wording import counted

    with Store.open_to_read(_chosen(path, store)) as opened:
        found = opened.info()
        members = {task.name: opened.members(task.name) for task in found.tasks}
    if json:
        document = msgspec.to_builtins(found)
        for task in document["tasks"]:
            task["models"] = [msgspec.to_builtins(each) for each in members[task["name"]]]
        print_json(document)
        return
    out = results()

    print_line(
        out,
        f"{found.path}: {_size(found.bytes)}, {counted(found.completed, 'completion')} "
        f"({_size(found.text_bytes)} of text), {counted(found.failed, 'failed draw')}, "
        + (f"{found.discussed:,} of them in discussions, " if found.discussed else "")
        + f"{counted(found.readings, 'reading')}, {counted(found.verdicts, 'verdict')}, "
        f"{counted(found.runs, 'run')}",
    )
    for task in found.tasks:
        splits = [name for name in task.splits if name]
        print_line(
            out,
            f"{task.name}: {counted(task.problems, 'problem')}"
            + (f" ({', '.join(splits)})" if splits else "")
            + f", from {task.source or 'unknown'}",
        )
        for each in members[task.name]:
            settings = ", ".join(f"{name} {value}" for name, value in each.settings.items())
            print_line(
                out,
                f"  {each.name}: {counted(each.completed, 'completion')} "
                f"of {counted(each.series, 'problem')}"
                + (f", {each.failed:,} failed" if each.failed else "")
                + (f"; {settings}" if settings else "")
                + (f"; seed {each.seed}" if each.seed is not None else ""),
            )


@app.command()
def verify(
    path: _Path = None,
    store: _Option = None,
    salvage: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save what is sound to this new store.")
    ] = None,
    json: Json = False,
) -> None:
    """Read everything, and compare it with its checksums; exit 1 when something is damaged."""
    import msgspec

    from slm_mux.cli.console import FAILED, messages, print_json, print_line, results

    chosen = _chosen(path, store)
    with _opened_to_check(chosen) as opened:
        report = opened.verify()
        saved = None if salvage is None else opened.salvage(salvage)
    if json:
        document: dict[str, Any] = {"sound": report.sound, **msgspec.to_builtins(report)}
        if saved is not None:
            found = msgspec.to_builtins(saved)
            del found["damaged"]
            document["salvaged"] = {"store": str(salvage), **found}
        print_json(document)
    else:
        for line in _findings(report):
            print_line(results(), line)
        if saved is not None:
            for line in _saved(saved, salvage):
                print_line(results(), line)
        elif not report.sound:
            print_line(
                messages(),
                f"`slm-mux store verify {chosen} --salvage FILE` saves the rest to a new store",
            )
    if not report.sound:
        raise typer.Exit(FAILED)


def _opened_to_check(path: Path) -> "Store":
    from slm_mux.errors import StoreError
    from slm_mux.store.store import Store

    try:
        return Store.open_to_read(path)
    except StoreError:
        # What is left of a file that is refused can be read where nothing has to be written.
        return Store.open(path, create=False, read_only=True)


def _findings(report: "VerifyReport") -> list[str]:
    from slm_mux.wording import counted

    damaged = [
        f"sample {sample.sample_id} ({sample.where}): {sample.reason}" for sample in report.damaged
    ]
    others = [*report.others, *report.integrity]
    lines = []
    for found in (damaged, others):
        lines += [f"damaged: {line}" for line in found[:_MOST_SHOWN]]
        if len(found) > _MOST_SHOWN:
            lines.append(f"damaged: {len(found) - _MOST_SHOWN:,} more; --json lists all")
    samples = counted(report.samples, "sample")
    if report.sound:
        return [f"{samples}, all sound"]
    elsewhere = f"; {counted(len(others), 'finding')} beside them" if others else ""
    return [*lines, f"{samples}, {len(damaged):,} of them damaged{elsewhere}"]


def _saved(report: "SalvageReport", to: Path | None) -> list[str]:
    from slm_mux.wording import counted

    samples, lost = report.saved.get("samples", 0), report.lost.get("samples", 0)
    lines = [f"{to}: {counted(samples, 'sample')} saved, {lost:,} lost"]
    if report.left:
        lines.append(
            f"{report.left_in}: the {counted(report.left, 'text')} among the lost that can still "
            "be read"
        )
    if report.unplaced:
        lines.append(
            f"{counted(report.unplaced, 'sample')} of those saved belong to a problem or model "
            "that is lost: `slm-mux collect`, asking the same again, finds them and draws nothing"
        )
    return lines


@app.command()
def vacuum(path: _Path = None, store: _Option = None, json: Json = False) -> None:
    """Rewrite the file without gaps; needs as much free disk as the file takes."""
    from slm_mux.cli.console import print_json, print_line, results
    from slm_mux.store.store import Store

    chosen = _chosen(path, store)
    with Store.open(chosen, create=False) as opened:
        saved = opened.vacuum()
    if json:
        print_json({"store": str(chosen), "bytes_saved": saved})
    else:
        print_line(results(), f"{chosen}: {_size(max(saved, 0))} smaller")


def _chosen(path: Path | None, store: Path | None) -> Path:
    if path is not None and store is not None:
        raise typer.BadParameter("give the store once")
    return path or store or DEFAULT_STORE


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
