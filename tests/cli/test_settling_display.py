"""The progress of drawing until answers are settled."""

import io

import pytest
from rich.console import Console

from slm_mux.cli.settling_display import SettlingDisplay
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.types import Completion, Sample
from tests.collecting.making import needs

DONE = Completion(text="1", prompt_tokens=10, completion_tokens=5)


def shown(*, terminal: bool, draws: int) -> str:
    """What is shown of one model on three problems, one of which is over by these draws."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=160, no_color=True)
    pool = Pool([Member(model=ScriptedModel("[m]", ["1"]))], samples=2)
    display = SettlingDisplay(console, needs(None, pool))
    with display.shown():
        for draw in range(draws):
            display.on_sample(Sample(model="[m]", draw=draw, completion=DONE))
        display.on_problem()
    return out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_problems_lead_and_draws_are_at_most(terminal: bool) -> None:
    """Problems that are over, and each model's draws without a time that would be a guess."""
    text = shown(terminal=terminal, draws=2)
    for part in ("problems", "1/3", "[m]", "2 of at most 6", "30 tokens"):
        assert part in text
    assert " left" not in text
    assert ("\x1b" in text) == terminal


def test_nothing_is_said_where_nothing_was_drawn() -> None:
    """Without a terminal, an evaluation that finds everything in the store is silent."""
    assert shown(terminal=False, draws=0) == ""
