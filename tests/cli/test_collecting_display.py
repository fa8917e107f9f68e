"""The progress of collecting, on a terminal and without one."""

import io
from unittest import mock

import pytest
from msgspec.structs import replace
from rich.console import Console

from slm_mux.cli import collecting_display, progress_display
from slm_mux.cli.collecting_display import CollectingDisplay
from slm_mux.models.pool import Member, Pool
from slm_mux.models.pool_file import Price
from slm_mux.models.scripted import ScriptedModel
from slm_mux.sampling.events import RequestRetried
from slm_mux.types import Completion, Failure, Sample
from tests.collecting.making import needs

PRICE = Price(prompt=1_000_000.0, completion=1_000_000.0)
DONE = Completion(text="1", prompt_tokens=10, completion_tokens=5)


def two_members() -> Pool:
    models = [ScriptedModel("[dear]", ["1"]), ScriptedModel("free", ["1"])]
    return Pool([Member(model=models[0], price=PRICE), Member(model=models[1])], samples=2)


def shown_on(console: Console) -> str:
    display = CollectingDisplay(console, needs(None, two_members()))
    assert not display.any_drawn
    with display.shown():
        for draw in range(4):
            display.on_sample(Sample(model="[dear]", draw=draw, completion=DONE))
        display.on_sample(Sample(model="[dear]", draw=5, failure=Failure("X", "no")))
        display.observe(RequestRetried("free", 1, 2.0, "[busy]"))
    assert display.any_drawn
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_shows_every_model_with_rate_tokens_cost_and_time_left() -> None:
    """One line for each model, and the latest retry with its reason, as they are written."""
    console = Console(file=io.StringIO(), force_terminal=True, width=160, no_color=True)
    text = shown_on(console)
    last = text[text.rindex("[dear]") :]
    for part in ("5/6", "/s", "60 tokens", "cost 60.0000", "1 failed", "left", "0/6"):
        assert part in last
    assert "free: trying again in 2.0 s: [busy]" in last


def test_without_a_terminal_there_is_a_line_for_each_model() -> None:
    """At the end, and now and then before."""
    text = shown_on(Console(file=io.StringIO(), width=160))
    dear, free = text.splitlines()
    assert dear.startswith("[dear]  5/6  ")
    assert "cost 60.0000  1 failed" in dear
    assert free.startswith("free  0/6")
    assert "\x1b" not in text


def test_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more often than every ten seconds."""
    clock = mock.Mock(monotonic=mock.Mock(return_value=0.0))
    for module in (collecting_display, progress_display):
        monkeypatch.setattr(module, "time", clock)
    console = Console(file=io.StringIO(), width=160)
    display = CollectingDisplay(console, needs(None, two_members(), 10))
    with display.shown():
        for draw in range(10):
            clock.monotonic.return_value += 4.0
            display.on_sample(Sample(model="free", draw=draw, completion=DONE))
    assert isinstance(console.file, io.StringIO)
    lines = [line for line in console.file.getvalue().splitlines() if line.startswith("free")]
    assert [line.split()[1] for line in lines] == ["3/20", "6/20", "9/20", "10/20"]
    # 10 draws in 40 seconds: 8 of them, 4 s apart, in the last 30.
    assert "0.3/s" in lines[-1]
    assert "0:38 left" in lines[-1]


def test_what_is_there_is_said_first() -> None:
    """How many of the wanted draws the store has already."""
    console = Console(file=io.StringIO(), width=160)
    first, second = needs(None, two_members())
    had = replace(first.needs[0], have=frozenset({0, 1}))
    first = replace(first, needs=(had, *first.needs[1:]))
    with CollectingDisplay(console, [first, second]).shown():
        pass
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().startswith("2 of 12 draws are in the store\n")
