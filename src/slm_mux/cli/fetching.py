"""Fetches model files under a progress bar, before anything is asked."""

import warnings
from pathlib import Path

from rich.markup import escape

from slm_mux.cli.console import messages
from slm_mux.errors import EmbeddedEngineError, WeightsError
from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
from slm_mux.models.llama import check_package
from slm_mux.models.pool import Pool
from slm_mux.models.weights import Prefer, UnverifiedWeightsWarning, resolve


def fetch_missing_weights(pool: Pool, *, prefer: Prefer = "hub") -> None:
    """Fetch what the pool's embedded models need and the cache does not have.

    A file that cannot be had costs its models' votes, as an endpoint that is down does. Without
    llama.cpp to run them nothing is fetched.

    Raises:
        WeightsError: it cannot be had, and no other model is left to answer.
        EmbeddedEngineError: llama.cpp is not installed, and no other model is left to answer.
    """
    engines = {
        member.name: member.model.engine
        for member in pool
        if isinstance(member.model, EmbeddedModel)
    }
    missing: dict[EmbeddedEngine, WeightsError | EmbeddedEngineError] = {}
    # A name for each engine, which several members may share.
    for engine, name in {engine: name for name, engine in engines.items()}.items():
        try:
            check_package(name)
            _fetch(engine.source, sha256=engine.sha256, prefer=prefer)
        except (WeightsError, EmbeddedEngineError) as error:
            missing[engine] = error
    if missing and all(engines.get(member.name) in missing for member in pool):
        raise next(iter(missing.values()))
    for reason in dict.fromkeys(map(str, missing.values())):
        messages().print(f"[yellow]warning:[/yellow] {escape(reason)}", soft_wrap=True)
    # Said once, here; loading the file would say it again, under the live table.
    warnings.simplefilter("ignore", UnverifiedWeightsWarning)


def pull_weights(name: str, *, sha256: str | None, prefer: Prefer) -> Path:
    """Fetch one file; a bare name is one of the catalogue's.

    Raises:
        WeightsError: there is no such name, or the file cannot be had.
    """
    return _fetch(name if ":" in name else f"builtin:{name}", sha256=sha256, prefer=prefer)


def _fetch(source: str, *, sha256: str | None, prefer: Prefer) -> Path:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = messages()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task(escape(source), total=None)
    said: set[str] = set()

    def show(done: int, total: int | None, what: str) -> None:
        if not console.is_terminal:
            if what not in said:
                said.add(what)
                console.print(f"{source}: {what}", markup=False)
            return
        bar.start()
        bar.update(
            task,
            completed=done,
            total=total,
            description=escape(f"{source}: {what}"),
        )

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            path = resolve(source, sha256=sha256, prefer=prefer, progress=show)
        finally:
            if bar.live.is_started:
                bar.stop()
    for warning in caught:
        text = escape(str(warning.message))
        console.print(f"[yellow]warning:[/yellow] {text}", soft_wrap=True)
    return path
