"""`slm-mux store`: what is in a store, whether it is sound, and making it smaller."""

from pathlib import Path
from typing import Annotated, Any

import typer

from slm_mux.cli.options import DEFAULT_STORE, Json

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
        f"{found.path}: {_size(found.bytes)}, {found.completed:,} completions "
        f"({_size(found.text_bytes)} of text), {found.failed:,} failed draws, "
        f"{found.readings:,} readings, {found.verdicts:,} verdicts, {found.runs:,} runs",
    )
    for task in found.tasks:
        splits = [name for name in task.splits if name]
        print_line(
            out,
            f"{task.name}: {task.problems:,} problems"
            + (f" ({', '.join(splits)})" if splits else "")
            + f", from {task.source or 'unknown'}",
        )
        for each in members[task.name]:
            settings = ", ".join(f"{name} {value}" for name, value in each.settings.items())
            print_line(
                out,
                f"  {each.name}: {each.completed:,} completions of {each.series:,} problems"
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
    from slm_mux.store.store import Store

    with Store.open_to_read(_chosen(path, store)) as opened:
        report = opened.verify()
        saved = None if salvage is None else opened.salvage(salvage)
    document: dict[str, Any] = {"sound": report.sound, **msgspec.to_builtins(report)}
    if saved is not None:
        document["salvaged"] = {"store": str(salvage), "saved": saved.saved, "lost": saved.lost}
    if json:
        print_json(document)
    else:
        out = results()
        for sample in report.damaged:
            places = [
                f"task {place.task}, problem {place.problem}, model {place.member}"
                for place in sample.places
            ] or ["nobody knows whose"]
            print_line(
                out,
                f"damaged: sample {sample.sample_id} ({'; '.join(places)}, draw {sample.draw}): "
                f"{sample.reason}",
            )
        for line in (*report.others, *report.integrity)[:_MOST_SHOWN]:
            print_line(out, f"damaged: {line}")
        if saved is not None:
            print_line(
                out,
                f"{salvage}: {saved.saved.get('samples', 0):,} samples saved, "
                f"{saved.lost.get('samples', 0):,} lost",
            )
        out.print(
            f"{report.samples:,} samples, all sound"
            if report.sound
            else f"{report.samples:,} samples, {len(report.damaged):,} of them damaged"
        )
        if not report.sound and salvage is None:
            messages().print("`slm-mux store verify --salvage FILE` saves the rest to a new store")
    if not report.sound:
        raise typer.Exit(FAILED)


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
