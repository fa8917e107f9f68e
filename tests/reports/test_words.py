"""Sentences: who is ahead, and whether that is known."""

from typing import Any

import pytest

from slm_mux.reports.words import leader, trust, verdict
from tests.reports.making import demo_document

NAMED = {
    "single": "one draw of a",
    "self_consistency": "the majority of as many draws of a",
    "agent_forest": "the pooled majority of the same draws (Agent Forest)",
}


def compared(
    p: float = 0.02, **differences: tuple[float, list[float] | None] | str
) -> dict[str, Any]:
    """A document with mux at 60 % and these differences, or the reason why there is none."""
    rows = [
        {
            "method": "mux",
            "baseline": name,
            "difference": None if isinstance(found, str) else found[0],
            "ci95": None if isinstance(found, str) else found[1],
            "mcnemar_p": None if isinstance(found, str) else p,
            "reason": found if isinstance(found, str) else None,
        }
        for name, found in differences.items()
    ]
    mux = {
        "method": "mux",
        "accuracy": 0.6,
        "ci95": [0.5, 0.7],
        "total": 100,
        "samples_per_problem": 6.0,
        "tokens_per_problem": None,
    }
    accuracies = [{"model": "b", "accuracy": 0.3}, {"model": "a", "accuracy": 0.5}]
    evaluation = {
        "methods": [mux],
        "differences": rows,
        "models": ["a", "b"],
        "k": 3,
        "validation_accuracies": accuracies,
    }
    return {"evaluation": evaluation, "scale": None, "search": None}


def test_ahead_and_known() -> None:
    """An interval above 0 is said to exclude it."""
    first, second, *_ = verdict(compared(single=(0.05, [0.01, 0.09])))
    assert first == (
        "With 3 draws of each of 2 models, SLM-MUX answers 60.0\u00a0% of 100 problems correctly "
        "(95 % interval 50.0 to 70.0\u00a0%)."
    )
    assert second == (
        "That is 5.0 points more than one draw of a, the best single model on validation; the 95 % "
        "interval of the difference, +1.0 to +9.0 points, excludes 0, and McNemar's test gives "
        "p = 0.020, so the difference is not chance alone."
    )
    certain = verdict(compared(p=1e-5, single=(0.05, [0.01, 0.09])))[1]
    assert "McNemar's test gives p < 0.001, so" in certain


def test_the_exact_test_has_the_last_word() -> None:
    """Where the interval excludes 0 but p is not below 0.05, chance may do it."""
    apart = (-0.05, [-0.09, -0.01])
    said = verdict(compared(p=0.05, single=apart, agent_forest=apart))
    assert said[1].endswith("excludes 0, but McNemar's test gives p = 0.050, so chance may do it.")
    assert said[2] == (
        f"It is behind {NAMED['agent_forest']}, and the interval excludes 0, but McNemar's test "
        "gives p = 0.050, so chance may do it."
    )


def test_behind_and_not_known() -> None:
    """An interval that holds 0 tells nothing apart; its ends may touch it."""
    said = verdict(compared(single=(-0.05, [-0.1, 0.0])))[1]
    assert said.startswith("That is 5.0 points fewer than one draw of a")
    assert said.endswith("includes 0, so these problems do not tell the two apart.")
    assert "exactly as many as" in verdict(compared(single=(0.0, [-0.1, 0.1])))[1]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            (0.1, [0.05, 0.2]),
            "It is ahead of {}; the interval excludes 0, and McNemar's p is below 0.05.",
        ),
        (
            (-0.1, [-0.2, -0.05]),
            "It is behind {}; the interval excludes 0, and McNemar's p is below 0.05.",
        ),
        ((0.1, [-0.1, 0.2]), "It cannot be told apart from {}: the interval includes 0."),
    ],
)
def test_other_baselines(found: tuple[float, list[float]], said: str) -> None:
    """Each is ahead of, behind, or not told apart."""
    assert said.format(NAMED["agent_forest"]) in verdict(compared(agent_forest=found))


def test_equal_draws_are_always_spoken_of() -> None:
    """The fair comparison has its figures, or the reason why it has none."""
    known = verdict(compared(self_consistency=(0.02, [-0.01, 0.05])))
    against = f"At equal draws it is +2.0 points against {NAMED['self_consistency']}"
    assert known[-1] == f"{against} (−1.0 to +5.0 points)."
    unknown = verdict(compared(self_consistency="6 draws are needed, and there are 3"))
    assert unknown[-1] == (
        "Against self-consistency at equal draws nothing is known: 6 draws are needed, and there "
        "are 3."
    )


def test_no_accuracy() -> None:
    """Without one, the sentence says why."""
    document = compared()
    document["evaluation"]["methods"][0] |= {"accuracy": None, "reason": "no draws"}
    assert verdict(document) == ["SLM-MUX's accuracy is not known: no draws."]
    assert leader(document) is None


def test_the_leader_is_not_always_mux() -> None:
    """On the recording two methods share the highest accuracy, and both are named."""
    assert leader(demo_document()) == (
        "The highest accuracy here is 82.5\u00a0%: SLM-MUX (2 chosen models) and self-consistency "
        "(k draws)."
    )


def test_trust_has_every_part_of_the_search() -> None:
    """Stability, held-out gain, other subsets and criteria, each a sentence; else a reason."""
    search = demo_document()["search"]
    said = trust(search)
    assert said[0] == search["trust"]["stability"]["verdict"]
    assert [sentence.split(" ")[0] for sentence in said[1:]] == ["On", "Held", "Picked"]
    nothing = dict.fromkeys(("stability", "gain", "peers", "criteria"))
    lacking = search | {"trust": {**nothing, "missing": {"gain": "nothing is held out"}}}
    assert trust(lacking) == ["Not known (gain): nothing is held out."]
