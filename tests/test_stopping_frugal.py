"""The frugal rule: the same answer, never more draws than it takes to go one by one."""

import itertools
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.stopping import Progress, Wave, clairvoyant_draws, next_wave, settle
from slm_mux.stopping.frugal import draws_to_fall_behind, draws_to_settle, front_runner

Table = list[list[str | None]]

tables_of_draws = st.lists(
    st.one_of(
        st.lists(st.sampled_from(["A", "B"]), min_size=1, max_size=6),
        st.lists(st.sampled_from([None, "A", "A", "A", "B", "C"]), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=4,
)


def run(
    table: Table, policy: Callable[[Sequence[Progress]], Wave | None] = next_wave
) -> tuple[int, list[Progress]]:
    """Draw as the policy says until it stops: the draws it took, and where it stopped."""
    models = [Progress(len(row)) for row in table]
    spent = 0
    while (wave := policy(models)) is not None:
        for draw in wave.draws:
            models[wave.model].record(draw, table[wave.model][draw])
        spent += len(wave.draws)
    return spent, models


def one_by_one(models: Sequence[Progress]) -> Wave | None:
    """Draw once from the front runner, and ask again."""
    if settle(models).settled:
        return None
    front = front_runner(models)
    return Wave(front, models[front].missing[:1])


@settings(deadline=None)
@given(tables_of_draws)
def test_frugal_gives_the_answer_of_all_draws(table: Table) -> None:
    """On any table frugal ends with the answer of all draws, and takes no more than there are."""
    spent, models = run(table)
    every = [Progress(len(row), dict(enumerate(row))) for row in table]
    assert settle(models).answer == settle(every).answer
    assert spent <= sum(len(row) for row in table)


@settings(deadline=None)
@given(tables_of_draws)
def test_waves_cost_no_draw_more_than_going_one_by_one(table: Table) -> None:
    """Drawing in waves takes exactly the draws of the same rule with one draw at a time."""
    assert run(table)[0] == run(table, one_by_one)[0]


@settings(deadline=None)
@given(tables_of_draws)
def test_hindsight_needs_no_more_draws_than_frugal(table: Table) -> None:
    """The clairvoyant bound is at most what frugal takes."""
    assert clairvoyant_draws(table) <= run(table)[0]


@settings(deadline=None)
@given(tables_of_draws, st.data())
def test_a_wave_is_made_of_missing_draws_in_order(table: Table, data: st.DataObject) -> None:
    """After any subset of draws, a wave takes the lowest missing indices of one model, or stops."""
    models = [
        Progress(len(row), {j: key for j, key in enumerate(row) if data.draw(st.booleans())})
        for row in table
    ]
    wave = next_wave(models)
    assert (wave is None) == settle(models).settled
    if wave is not None:
        assert wave.draws
        assert wave.draws == models[wave.model].missing[: len(wave.draws)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([None, "A", "A", "B", "C"]), min_size=1, max_size=4),
        min_size=1,
        max_size=3,
    ),
    st.data(),
)
def test_draws_to_settle_equals_brute_force(table: Table, data: st.DataObject) -> None:
    """It is the first number of draws that settles the question for some outcome of them all."""
    models = [
        Progress(len(row), dict(enumerate(row[: data.draw(st.integers(0, len(row)))])))
        for row in table
    ]
    open_models = [i for i, model in enumerate(models) if model.remaining]
    if not open_models or settle(models).settled:
        return
    chosen = data.draw(st.sampled_from(open_models))

    def settles(outcome: tuple[str | None, ...]) -> bool:
        trial = models[chosen].copy()
        trial.record_next(outcome)
        return settle([*models[:chosen], trial, *models[chosen + 1 :]]).settled

    fewest = next(
        (
            draws
            for draws in range(1, models[chosen].remaining + 1)
            if any(settles(o) for o in itertools.product(["A", "B", "C", "X", None], repeat=draws))
        ),
        None,
    )
    assert draws_to_settle(models, chosen) == fewest


@settings(max_examples=80, deadline=None)
@given(tables_of_draws, st.data())
def test_draws_to_fall_behind_is_the_worst_case(table: Table, data: st.DataObject) -> None:
    """Until that many draws are in, no outcome takes the lead from the front runner."""
    models = [
        Progress(len(row), dict(enumerate(row[: data.draw(st.integers(0, len(row)))])))
        for row in table
    ]
    front = front_runner(models)
    if not models[front].remaining:
        return
    wave = draws_to_fall_behind(models, front)
    for outcome in itertools.product(["A", "B", "X", None], repeat=min(wave - 1, 4)):
        trial = models[front].copy()
        trial.record_next(outcome)
        assert front_runner([*models[:front], trial, *models[front + 1 :]]) == front
    worst = models[front].copy()
    worst.record_next([None] * wave)
    behind = front_runner([*models[:front], worst, *models[front + 1 :]]) != front
    assert behind or worst.remaining == 0


def test_the_better_ranked_of_equals_is_drawn_from_first() -> None:
    """At the start every model can be unanimous, so the best record begins, with one draw."""
    assert next_wave([Progress(3), Progress(3)]) == Wave(0, (0,))


def test_a_model_far_in_front_is_drawn_from_in_one_wave() -> None:
    """While no other model can come to the front, as many draws go out as could settle it."""
    models = [Progress(5, {0: "A"}), Progress(5, dict.fromkeys(range(4)))]
    assert next_wave(models) == Wave(0, (1, 2))
    assert next_wave([Progress(9)]) == Wave(0, (0, 1, 2, 3, 4))


def test_a_model_that_disagreed_gives_way() -> None:
    """A model that can no longer be unanimous waits for one that can."""
    assert next_wave([Progress(3, {0: "A", 1: "B"}), Progress(3)]) == Wave(1, (0,))


def test_failed_draws_count_against_the_model() -> None:
    """A draw that failed lowers what the model can attain, as an unreadable one does."""
    assert next_wave([Progress(3, {0: None}), Progress(3)]) == Wave(1, (0,))


def test_a_wave_fills_gaps_first() -> None:
    """Draws that are in from elsewhere are not asked for again."""
    assert next_wave([Progress(5, {1: "A", 2: "A"})]) == Wave(0, (0,))


def test_a_settled_question_needs_no_wave() -> None:
    """No wave once the answer is settled, or once all draws are in without one."""
    assert next_wave([Progress(3, dict.fromkeys(range(3), "A")), Progress(3)]) is None
    assert next_wave([Progress(1, {0: None})]) is None
    assert next_wave([]) is None


def test_a_model_without_draws_left_cannot_be_asked() -> None:
    """Asking how many more draws a finished model needs is an error."""
    models = [Progress(1, {0: "A"}), Progress(2)]
    with pytest.raises(InvalidRequestError, match="model 0 has no draws left"):
        draws_to_settle(models, 0)
    with pytest.raises(InvalidRequestError, match="model 0 has no draws left"):
        draws_to_fall_behind(models, 0)
