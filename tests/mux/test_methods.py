"""The methods by which a question can be asked."""

import pytest

from slm_mux.discussion.workflows import ALIASES, WORKFLOWS
from slm_mux.errors import InvalidRequestError, SandboxError
from slm_mux.methods import METHODS as OF_TABLES
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.mux import Mux
from slm_mux.mux.methods import METHODS, check_fits, draws_of, method_named
from slm_mux.types import Stopping


def boxed(*answers: str) -> list[str]:
    return [f"\\boxed{{{answer}}}" for answer in answers]


def pool(*, samples: int = 2) -> Pool:
    """The second has the better record, the first more draws of its own."""
    return Pool(
        [
            Member(
                model=ScriptedModel("a", boxed("1")),
                samples=3,
                validation_accuracy={"default": 0.5, "algebra": 0.9},
            ),
            Member(model=ScriptedModel("b", boxed("2")), validation_accuracy={"default": 0.7}),
        ],
        samples=samples,
    )


def test_every_method_can_be_asked_for() -> None:
    """Those of vote tables and those in which models read each other, mux first."""
    assert tuple(METHODS) == (*OF_TABLES, *WORKFLOWS)
    assert next(iter(METHODS)) == "mux"
    assert {method_named(name) for name in (*METHODS, *ALIASES)} == set(METHODS)


@pytest.mark.parametrize(("given", "nearest"), [("debat", "debate"), ("agent-forest", "agent_f")])
def test_a_mistake_is_met_with_the_nearest_name(given: str, nearest: str) -> None:
    """As everywhere."""
    with pytest.raises(InvalidRequestError, match=f"did you mean '{nearest}"):
        method_named(given)


@pytest.mark.parametrize(
    ("method", "samples", "expected"),
    [
        ("mux", None, [("a", 3), ("b", 2)]),
        ("mux", 4, [("a", 4), ("b", 4)]),
        ("agent_forest", None, [("a", 3), ("b", 2)]),
        ("single", None, [("b", 1)]),
        ("self_consistency", None, [("b", 5)]),
        ("self_consistency", 4, [("b", 8)]),
    ],
)
def test_who_is_asked_how_often(
    method: str, samples: int | None, expected: list[tuple[str, int]]
) -> None:
    """Baselines of one model ask the one with the best record, as often as mux asks all."""
    found = draws_of(pool(), method, samples=samples)
    assert [(member.name, k) for member, k in found] == expected


def test_the_record_on_the_task_counts() -> None:
    """The best model is the best on the task that is named."""
    ((member, _),) = draws_of(pool(), "single", task="algebra")
    assert member.name == "a"
    with Mux(pool()) as mux:
        assert mux.ask("How many?", method="single").model == "b"
        assert mux.ask("How many?", method="single", task="algebra").model == "a"


@pytest.mark.parametrize(
    ("method", "samples", "stopping", "words"),
    [
        ("debate", 3, None, "samples is 3, but must be left out"),
        ("mixture_of_agents", None, "eager", "cannot stop early"),
        ("agent_forest", None, "frugal", "cannot stop early"),
        ("single", 2, None, "single makes one draw"),
    ],
)
def test_options_that_do_not_fit(
    method: str, samples: int | None, stopping: Stopping | None, words: str
) -> None:
    """They are refused with the reason, and nothing is asked."""
    with pytest.raises(InvalidRequestError, match=words):
        check_fits(method, samples=samples, stopping=stopping)
    asked = pool()
    with Mux(asked) as mux, pytest.raises(InvalidRequestError, match=words):
        mux.ask("How many?", method=method, samples=samples, stopping=stopping)
    assert not any(m.model.requests for m in asked if isinstance(m.model, ScriptedModel))


def test_all_draws_in_one_vote() -> None:
    """Agent Forest counts every draw once, and makes all of them whatever the pool says."""
    models = [
        ScriptedModel("a", boxed("1", "1", "2")),
        ScriptedModel("b", boxed("2")),
    ]
    with Mux(Pool.of(*models, stopping="eager")) as mux:
        decision = mux.ask("How many?", method="agent_forest")
    assert (decision.answer, decision.confidence, decision.method) == ("2", 4 / 6, "agent_forest")
    assert [len(model.requests) for model in models] == [3, 3]
    assert decision.discussion is None


def test_the_majority_of_one_model() -> None:
    """Self-consistency asks one model as often as mux asks all."""
    models = [ScriptedModel("a", boxed("1", "1", "2")), ScriptedModel("b", boxed("2"))]
    with Mux(Pool.of(*models, stopping="none")) as mux:
        decision = mux.ask("How many?", method="self_consistency")
    assert (decision.answer, decision.confidence) == ("1", 4 / 6)
    assert [len(model.requests) for model in models] == [6, 0]
    assert [vote.model for vote in decision.votes] == ["a"]


def test_only_who_is_asked_needs_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that writes programs is no obstacle where it is not asked."""

    def refuse() -> None:
        raise SandboxError("no")

    monkeypatch.setattr("slm_mux.mux.asynchronous._check_sandbox", refuse)
    writes = Member(model=ScriptedModel("a", boxed("1")), style="program")
    best = Member(model=ScriptedModel("b", boxed("2")), validation_accuracy={"default": 0.7})
    with Mux(Pool([writes, best])) as mux:
        assert mux.ask("How many?", method="single").answer == "2"
        with pytest.raises(SandboxError):
            mux.ask("How many?")
