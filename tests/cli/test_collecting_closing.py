"""The end of drawing: what came in is written, models are closed, and Ctrl-C loses nothing."""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from slm_mux.cli import collecting, collecting_closing
from slm_mux.cli.collecting import run_drawing
from slm_mux.cli.console import print_line
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.errors import StoreError
from slm_mux.models.scripted import ScriptedModel
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.types import Completion, Failure, Sample
from tests.collecting.making import needs, pool, register, stored

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Closing(ScriptedModel):
    """Notes that it was closed."""

    closed = False

    async def aclose(self) -> None:
        self.closed = True


class Drawing:
    """A store, one model, and six samples that come in as Ctrl-C is pressed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = Closing("a", ["1"])
        self.pool = pool(self.model)
        self.store = Store.open(path)
        self.needs = needs(self.store, self.pool)
        register(self.store, self.needs)
        self.sample: Callable[[int], Sample] = lambda draw: Sample(
            model="a", draw=draw, completion=Completion(text="1")
        )

    def run(self) -> bool:
        """Let the samples come in, press Ctrl-C, and see how it ends."""

        async def drawing(_: Sampler, keeper: StoreKeeper) -> None:
            plans = [need.asking.plan for need in self.needs[0].needs]
            keeping = [
                asyncio.create_task(keeper.keep(plan, [self.sample(draw)]))
                for plan in plans
                for draw in range(2)
            ]
            await asyncio.sleep(0)
            press_ctrl_c()
            await asyncio.gather(*keeping)

        return run_drawing(self.store, self.pool, drawing, nothing_drawn=lambda: False)


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Drawing]:
    made = Drawing(tmp_path / "s.db")
    yield made
    made.store.close()


@contextmanager
def locked(path: Path) -> Iterator[Callable[[], None]]:
    """Another program writes, until the block ends or what it gives is called."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def unlock() -> None:
        if other.in_transaction:
            other.execute("ROLLBACK")

    try:
        yield unlock
    finally:
        unlock()
        other.close()


def when_told(patch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Do something as soon as the user is told that samples are still being written."""
    say = print_line

    def told(*arguments: object, **options: object) -> None:
        say(*arguments, **options)  # type: ignore[arg-type]
        if "still writing" in str(arguments):
            asyncio.get_running_loop().call_soon(then)

    patch.setattr(collecting_closing, "print_line", told)
    patch.setattr(collecting_closing, "QUIETLY", 0.05)


def leaving(patch: pytest.MonkeyPatch) -> None:
    def leave() -> NoReturn:
        raise SystemExit(130)

    patch.setattr(collecting_closing, "leave", leave)


def test_a_lock_that_ends_after_ctrl_c(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What came in is written when the other program is done, and the user is told of the wait."""
    with locked(drawing.path) as unlock:
        when_told(monkeypatch, unlock)
        assert drawing.run()
    assert len(stored(drawing.path)) == 6
    said = " ".join(capsys.readouterr().err.split())
    assert f"{drawing.path}: still writing 6 completions that came in" in said
    assert drawing.model.closed


@pytest.mark.parametrize("as_json", [False, True])
def test_a_second_ctrl_c_gives_up(
    drawing: Drawing,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
) -> None:
    """It ends at once, with 130, and says how many completions are lost."""
    leaving(monkeypatch)
    monkeypatch.setattr("sys.argv", ["slm-mux", "collect", *(["--json"] if as_json else [])])
    with locked(drawing.path):
        when_told(monkeypatch, press_ctrl_c)
        with pytest.raises(SystemExit) as ended:
            drawing.run()
    said = capsys.readouterr()
    lost = "interrupted: 6 completions that came in could not be written and are lost; the same "
    assert ended.value.code == 130
    assert lost in said.err
    assert (json.loads(said.out)["error"]["message"].startswith(lost)) if as_json else not said.out


def test_many_ctrl_cs_lose_nothing(drawing: Drawing) -> None:
    """Only one that comes after the user was told of the wait gives anything up."""
    sample = drawing.sample

    def impatient(draw: int) -> Sample:
        press_ctrl_c()
        return sample(draw)

    drawing.sample = impatient
    assert drawing.run()
    assert len(stored(drawing.path)) == 6


def test_failures_are_not_waited_for(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed draw was not paid for: after Ctrl-C a locked store does not hold up the end."""
    monkeypatch.setattr(collecting_closing, "QUIETLY", 0.05)
    drawing.sample = lambda draw: Sample(model="a", draw=draw, failure=Failure("X", "no"))
    with locked(drawing.path):
        assert drawing.run()
    assert capsys.readouterr().err == ""


class Full(StoreWriter):
    """Says that samples could not be stored, after it has closed."""

    async def aclose(self) -> None:
        await super().aclose()
        raise StoreError("s.db: the disk is full")


def test_a_writer_that_fails_closes_the_models(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples that could not be stored are an error, after every model is closed."""
    monkeypatch.setattr(collecting, "StoreWriter", Full)

    async def nothing(*_: object) -> None:
        pass

    with pytest.raises(StoreError, match="the disk is full"):
        run_drawing(drawing.store, drawing.pool, nothing, nothing_drawn=lambda: True)
    assert drawing.model.closed


def test_an_error_after_ctrl_c_says_what_is_lost(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the writer could not store in the end is counted, with the reason."""
    leaving(monkeypatch)
    monkeypatch.setattr(collecting, "StoreWriter", Full)
    monkeypatch.setattr(StoreKeeper, "unwritten", lambda _: 1)
    with pytest.raises(SystemExit):
        drawing.run()
    assert (
        "1 completion that came in could not be written and is lost; the same command draws it "
        "again (s.db: the disk is full)"
    ) in capsys.readouterr().err


def test_an_error_after_ctrl_c_with_everything_written(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every completion is in the store all the same, it is an ordinary end."""
    monkeypatch.setattr(collecting, "StoreWriter", Full)
    assert drawing.run()
    assert len(stored(drawing.path)) == 6


def test_the_handler_of_ctrl_c_is_put_back(drawing: Drawing) -> None:
    """After drawing, Ctrl-C and SIGTERM do what they did before."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    drawing.run()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
