"""Runs with discussions made by hand, for the tests of `explain`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slm_mux.dissecting.turns import Held
from slm_mux.store import Draw, Series, Store
from slm_mux.studies.explaining import ExplainRules, explain_run
from slm_mux.types import Completion
from tests.dissecting.making import debate, held, mixture, said, saved, verdict
from tests.evaluation.making import Drawn, evaluated, problem, reading_and_scoring, stored

QUESTIONS = [f"q{number}" for number in range(1, 6)]
DRAWN: Drawn = {
    "x": dict(
        zip(QUESTIONS, (["7"] * 3, ["7", "8", "7"], ["7"] * 3, ["8"] * 3, ["7"] * 3), strict=True)
    ),
    "y": dict(
        zip(QUESTIONS, (["8"] * 3, ["7", "8", "9"], ["8"] * 3, ["8"] * 3, ["7"] * 3), strict=True)
    ),
    "z": dict(
        zip(QUESTIONS, (["8", "9", "8"], ["8"] * 3, ["9"] * 3, ["9"] * 3, ["7"] * 3), strict=True)
    ),
}
"""Three draws each. Mux, by records of the problems themselves, is right on q1, q3 and q5; on q2 z
is sure and wrong, on q4 nobody is right."""

DEBATES = (
    debate("Abb", "bbb", problem="q1"),
    debate("AAb", "Abb", problem="q2"),
    debate("Abc", "Abb", problem="q3"),
    debate("bbc", "bbb", problem="q4"),
    debate("AAA", "AAA", problem="q5"),
)
MIXTURES = (
    mixture("Abb", "AAb", aggregate="b", problem="q1"),
    mixture("AAb", "AAA", aggregate="A", problem="q2"),
)


def verified(name: str) -> Held:
    """A right candidate that is rejected."""
    turns = [said("A", "x", step="candidate"), said("b", "y", step="candidate")]
    turns += [verdict("n", [0], "x"), verdict("y", [1], "x")]
    return held(turns, turns[1], name)


DISCUSSED: Mapping[str, Sequence[Held]] = {
    "debate": DEBATES,
    "mixture_of_agents": MIXTURES,
    "multi_agent_verification": (verified("q1"), verified("q3")),
}


def run_with(
    path: Path,
    discussions: Mapping[str, Sequence[Held]] = DISCUSSED,
    *,
    drawn: Drawn = DRAWN,
    texts: bool = True,
    **changes: Any,
) -> Store:
    """A store whose run 1 has discussions, and their texts."""
    names = dict.fromkeys(name for answers in drawn.values() for name in answers)
    store = stored(path, [problem(name) for name in names], drawn)
    document = evaluated(store)
    document["discussions"] = {
        method: {
            "settings": {"made": "by hand"},
            "breaches": {"cut": 1},
            "problems": {one.problem: _filed(store, one, texts=texts) for one in found},
        }
        for method, found in discussions.items()
    }
    store.put_run({"command": "eval", **document, **changes})
    return store


def explained_run(store: Store, number: int = 1, **rules: Any) -> dict[str, Any]:
    """Explain a run."""
    with reading_and_scoring() as tools:
        return explain_run(store, number, ExplainRules(**rules), **tools)


def _filed(store: Store, one: Held, *, texts: bool) -> dict[str, Any]:
    """A saved discussion whose texts the store has."""
    document = saved(one, confidence=2 / 3, decided_by="most of them")
    for index, turn in enumerate(document["turns"]):
        series = Series(
            member=turn["speaker"],
            identity="made up",
            messages=({"role": "user", "content": f"{one.problem} {turn['step']} {index}"},),
            settings={},
            seed=0,
        )
        turn["series"] = series.digest
        if texts and turn["ended"] is None:
            text = f"{turn['speaker']} says [b]{turn['key']}[/b] in {turn['step']}"
            store.put_discussed("toy", "debate", [(one.problem, series)])
            store.put_draws([Draw(series=series.digest, draw=0, completion=Completion(text=text))])
    return document
