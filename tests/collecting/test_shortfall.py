"""What is missing, what it would take, and where samples belong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from slm_mux.collecting.asking import Settings, asking, settings_document
from slm_mux.collecting.counts import GIVE_UP_AFTER, Counts
from slm_mux.collecting.shortfall import estimate
from slm_mux.errors import PoolError
from slm_mux.models.base import Generation
from slm_mux.models.pool import Member, Pool
from slm_mux.models.pool_file import Price
from slm_mux.models.scripted import ScriptedModel
from slm_mux.readers import Readers
from slm_mux.store.rows import Draw
from slm_mux.store.store import Store
from slm_mux.types import Completion, Failure, Problem, Sample
from tests.collecting.making import TASK, needs, pool, problems, register

GENERATION = Generation(temperature=0.3, max_tokens=50)


def member(name: str = "a", **changes: object) -> Member:
    fields: dict[str, object] = {"model": ScriptedModel(name, ["1"]), "generation": GENERATION}
    return Member(**(fields | changes))  # type: ignore[arg-type]


def asked(who: Member, problem: Problem | None = None, **options: object) -> str:
    """The address of a member's samples."""
    given: dict[str, object] = {"k": 2, "seed": 0, "settings": Settings(), "readers": Readers()}
    one = problem or problems(1)[0]
    return asking(who, one, **(given | options)).series.digest  # type: ignore[arg-type]


def failed(series: str, draw: int) -> Draw:
    return Draw(series=series, draw=draw, failure=Failure("X", "no", 1))


def test_without_a_store_everything_is_missing() -> None:
    """Each model's own k counts, then the pool's; a command's counts for all."""
    apart = Pool([member("a", samples=5), member("b")], samples=3)
    assert [(m.k, m.missing, m.total, m.failed) for m in needs(None, apart)] == [
        (5, 15, 15, 0),
        (3, 9, 9, 0),
    ]
    assert [m.missing for m in needs(None, apart, settings=Settings(samples=2))] == [6, 6]


def test_what_is_there_is_not_missing(tmp_path: Path) -> None:
    """Completed draws below k are had; failed ones are, unless they are to be tried again."""
    apart = pool(ScriptedModel("a", ["1"]), samples=3)
    with Store.open(tmp_path / "s.db") as store:
        wanted = needs(store, apart)
        register(store, wanted)
        series = [need.asking.series.digest for need in wanted[0].needs]
        done = Completion(text="1")
        store.put_draws(
            [
                Draw(series=series[0], draw=1, completion=done),
                Draw(series=series[0], draw=7, completion=done),
                failed(series[1], 0),
                failed(series[1], 8),
            ]
        )
        (now,) = needs(store, apart)
        assert [sorted(need.have) for need in now.needs] == [[1], [0], []]
        assert (now.missing, now.failed) == (7, 1)
        assert [one.problem.id for one in now.incomplete()] == ["q0", "q1", "q2"]
        (again,) = needs(store, apart, retry_failed=True)
        assert [sorted(need.have) for need in again.needs] == [[1], [], []]


def test_an_address_is_what_was_asked() -> None:
    """Question, prompt, settings, style and seed are in it; name, k and accuracy are not."""
    base = asked(member())
    same = [
        asked(member(samples=9, price=Price(prompt=1.0, completion=2.0))),
        asked(member(validation_accuracy={"default": 0.5})),
        asked(member(), k=7, task="sums"),
        asked(member(), replace(problems(1)[0], id="other", target="9", split="test")),
        asked(member("b"), identity="scripted:a|a"),
    ]
    assert set(same) == {base}
    others = [
        asked(member("b")),
        asked(member(system="Be brief.")),
        asked(member(style="program")),
        asked(member(), settings=Settings(temperature=0.7)),
        asked(member(), settings=Settings(max_tokens=51)),
        asked(member(), seed=1),
        asked(member(), problems(2)[1]),
        asked(member(generation=replace(GENERATION, stop=("\n",)))),
        asked(member(generation=replace(GENERATION, extra={"top_k": 5}))),
    ]
    assert len({base, *others}) == len(others) + 1


def test_only_settings_that_are_set_are_in_the_address() -> None:
    """What is left to the endpoint is not written down; words are the style without a word."""
    assert settings_document(Generation(), "words") == {}
    whole = Generation(temperature=0.0, top_p=1.0, max_tokens=5, stop=("x",), extra={"a": 1})
    assert settings_document(whole, "program") == {
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 5,
        "stop": ["x"],
        "extra": {"a": 1},
        "style": "program",
    }


def test_a_command_can_set_a_temperature_of_zero() -> None:
    """Zero is a setting, not the lack of one."""
    assert Settings(temperature=0.0).generation_of(member()).temperature == 0.0
    assert Settings().generation_of(member()) == GENERATION


def test_members_that_would_repeat_each_other_are_refused() -> None:
    """Two names for one model, asked in one way, are one member; another prompt makes them two."""
    first, second = ScriptedModel("a", ["1"]), ScriptedModel("b", ["1"])
    second.identity = first.identity = "gguf:sha256:0"  # type: ignore[attr-defined]
    with pytest.raises(PoolError, match="`a` and `b` are the same model with the same settings"):
        needs(None, pool(first, second))
    apart = Pool([Member(model=first), Member(model=second, style="program")])
    assert len(needs(None, apart)) == 2


def test_an_estimate_without_samples() -> None:
    """Characters / 4 for each prompt that is sent, the token limit for each completion."""
    wanted = needs(None, Pool([member(price=Price(prompt=2.0, completion=4.0))], samples=2))
    found = estimate(wanted[0], store=None, task=TASK)
    characters = sum(
        len(str(message["content"]))
        for need in wanted[0].needs
        for message in need.asking.plan.messages
    )
    assert found.draws == 6
    assert found.prompt_tokens == pytest.approx(2 * characters / 4)
    assert (found.completion_tokens, found.completion_tokens_at_most) == (300, 300)
    assert found.cost == pytest.approx((round(found.prompt_tokens) * 2 + 300 * 4) / 1e6)
    unlimited = needs(None, pool(ScriptedModel("a", ["1"])))
    found = estimate(unlimited[0], store=None, task=TASK)
    assert (found.completion_tokens, found.completion_tokens_at_most, found.cost) == (None,) * 3


def test_an_estimate_by_what_is_stored(tmp_path: Path) -> None:
    """The mean tokens of the samples that report them."""
    apart = Pool([member()], samples=2)
    with Store.open(tmp_path / "s.db") as store:
        wanted = needs(store, apart)
        assert estimate(wanted[0], store=store, task=TASK).measured is False
        register(store, wanted)
        series = wanted[0].needs[0].asking.series.digest
        counted = Completion(text="1", prompt_tokens=40, completion_tokens=8)
        store.put_draws(
            [
                Draw(series=series, draw=0, completion=counted),
                Draw(series=series, draw=1, completion=Completion(text="1")),
            ]
        )
        found = estimate(needs(store, apart)[0], store=store, task=TASK)
    assert (found.draws, found.prompt_tokens, found.completion_tokens) == (4, 160, 32)
    assert (found.measured, found.completion_tokens_at_most) == (True, 200)


def sample(ok: bool, reason: str = "no") -> Sample:
    if ok:
        return Sample(model="a", draw=0, completion=Completion(text="1"))
    return Sample(model="a", draw=0, failure=Failure("X", reason))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("pqrs")), max_size=60))
def test_a_model_is_down_after_ten_failures_of_three_problems(run: list[tuple[bool, str]]) -> None:
    """It is given up exactly when some run of failures was long and wide enough."""
    counts = Counts()
    streak: list[str] = []
    down = False
    for ok, problem in run:
        counts.take(sample(ok), problem)
        streak = [] if ok else [*streak, problem]
        down = down or (len(streak) >= GIVE_UP_AFTER and len(set(streak)) >= 3)
        assert counts.is_down("a") == down
    (found,) = counts.of(["a"])
    assert found.completed == sum(ok for ok, _ in run)
    assert found.failed == len(run) - found.completed
    assert (found.given_up is not None) == down


def test_reasons_are_counted() -> None:
    """The most frequent reason comes first; a model nobody asked has none."""
    counts = Counts()
    for reason in ("rare", "often", "often"):
        counts.take(sample(False, reason), "p")
    assert counts.of(["a", "b"])[0].reasons == {"often": 2, "rare": 1}
    assert list(counts.of(["a"])[0].reasons) == ["often", "rare"]
    assert counts.of(["b"])[0].failed == 0
    assert not counts.is_down("b")
