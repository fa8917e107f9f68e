"""The server's methods answer as `slm_mux.methods` does on a table of the same draws."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import BadReplyError, InvalidRequestError, NoAnswerError
from slm_mux.methods import AgentForest, Context, Method, Mux, SelfConsistency, Single
from slm_mux.models.base import Request
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.server.answering import Answered, answer
from slm_mux.server.rosters import Roster
from slm_mux.server.settings import ServerSettings
from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.request import ChatAsk
from slm_mux.types import Missing
from tests.tables import table_of

QUESTION = ({"role": "user", "content": "Which one?"},)
SETTINGS = ServerSettings(breaker_failures=10**6)
FAILED = Missing.FAILED
Draws = Sequence[str | Missing | None]


def scripted(name: str, draws: Draws) -> ScriptedModel:
    """A model whose draws, by index, are these answers, unreadable ones or failures."""
    seeds = [draw_seed(0, name, problem_id(QUESTION), index) for index in range(len(draws))]

    def reply(request: Request) -> Reply:
        drawn = draws[seeds.index(request.seed or 0)]
        if drawn is FAILED:
            return BadReplyError("it broke", model=name)
        return "nothing" if drawn is None else f"\\boxed{{{drawn}}}"

    return ScriptedModel(name, reply)


def ask_by(
    method: str, drawn: dict[str, Draws], records: Sequence[float | None], k: int, **fields: object
) -> tuple[Answered | None, list[ScriptedModel]]:
    """Ask a pool of scripted models, k draws each."""
    models = [scripted(name, draws) for name, draws in drawn.items()]
    members = [
        Member(model=model, validation_accuracy={} if record is None else {"default": record})
        for model, record in zip(models, records, strict=True)
    ]
    roster = Roster({"pool": Pool(members, samples=k)}, SETTINGS, report=lambda *_: None)
    asked = ChatAsk(
        model="mux",
        conversation=QUESTION,
        kind="number",
        **fields,  # type: ignore[arg-type]
    )

    async def run() -> Answered | None:
        try:
            return await answer(
                roster.pools["pool"],
                ModelName(pool="pool", method=method),
                asked,
                settings=SETTINGS,
                caps=Caps(),
                observe=lambda _: None,
            )
        except NoAnswerError:
            return None
        finally:
            await roster.aclose()

    return asyncio.run(run()), models


@st.composite
def pools(draw: st.DrawFn) -> tuple[dict[str, Draws], list[float | None], int]:
    """1 to 3 models with 12 draws, of which k are mux's; with or without records."""
    answer_ = st.sampled_from(["1", "2", "3", None, FAILED])
    models, k = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    row = st.lists(answer_, min_size=12, max_size=12)
    records = st.none() | st.sampled_from([0.0, 0.5, 1.0])
    drawn: dict[str, Draws] = {f"m{index}": draw(row) for index in range(models)}
    return drawn, [draw(records) for _ in drawn], k


@settings(max_examples=40, deadline=None)
@given(pools())
def test_methods_answer_as_they_do_on_a_table(
    pool: tuple[dict[str, Draws], list[float | None], int],
) -> None:
    """Answer and model are the same for every method, and only the models it needs are asked."""
    drawn, records, k = pool
    table = table_of({name: [draws] for name, draws in drawn.items()}, ["1"], records=records)
    context = Context.of(table, k)
    methods: dict[str, Method] = {
        "mux": Mux(),
        "single": Single(),
        "self_consistency": SelfConsistency(),
        "agent_forest": AgentForest(),
    }
    for name, method in methods.items():
        expected = method.decide(table, 0, context)
        found, models = ask_by(name, drawn, records, k, stopping=None)
        decision = None if found is None else found.decision
        assert (decision and decision.canonical) == expected.canonical, name
        if name in ("single", "agent_forest"):
            # mux and self_consistency may stop as soon as the answer is settled.
            assert (decision and decision.model) == expected.model, name
        planned = method.plan(context)
        assert all(len(m.requests) <= draws for m, draws in zip(models, planned, strict=True))


def test_the_confidence_of_a_pooled_vote() -> None:
    """It is the answer's share of all draws, and the completion is the one that gave it first."""
    drawn: dict[str, Draws] = {"m0": ["1", "2"], "m1": ["2", None]}
    found, _ = ask_by("agent_forest", drawn, [0.5, 0.9], 2)
    assert found is not None
    decision = found.decision
    assert (decision.answer, decision.model, decision.confidence) == ("2", "m1", 0.5)
    assert decision.text == "\\boxed{2}"


def test_a_vote_of_all_draws_cannot_stop_early() -> None:
    """A stopping rule that was asked for is refused rather than dropped."""
    with pytest.raises(InvalidRequestError, match="stopping"):
        ask_by("agent_forest", {"m0": ["1"]}, [None], 1, stopping="eager")
