"""Answers become votes and votes a decision, exactly as Algorithm 1 says."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError, NoAnswerError
from slm_mux.types import Answer, Missing, Vote
from slm_mux.voting import decide, rank_by_record, vote

FAILED, NOT_DRAWN = Missing.FAILED, Missing.NOT_DRAWN

draws = st.lists(st.sampled_from(["A", "B", "C", None, FAILED, NOT_DRAWN]), min_size=1, max_size=9)
records = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])


def test_the_paper_s_worked_example() -> None:
    """2/3, 2/3 and 1/3: the first two tie and the better validation accuracy decides."""
    votes = [
        vote("SLM 1", ["A", "A", "B"], validation_accuracy=0.7),
        vote("SLM 2", ["A", "B", "B"], validation_accuracy=0.6),
        vote("SLM 3", ["A", "B", "C"], validation_accuracy=0.9),
    ]
    decision = decide(votes)
    assert [v.confidence for v in votes] == pytest.approx([2 / 3, 2 / 3, 1 / 3])
    assert (decision.answer, decision.model) == ("A", "SLM 1")
    assert decision.tie_break == "validation_accuracy"
    assert decision.confidence == pytest.approx(2 / 3)


def test_the_worked_example_turned_round() -> None:
    """With the records exchanged the same draws give the other answer."""
    decision = decide(
        [
            vote("SLM 1", ["A", "A", "B"], validation_accuracy=0.6),
            vote("SLM 2", ["A", "B", "B"], validation_accuracy=0.7),
        ]
    )
    assert (decision.answer, decision.model) == ("B", "SLM 2")


@pytest.mark.parametrize(
    ("answers", "candidate", "confidence"),
    [
        (["A", "A", "B"], "A", 2 / 3),
        (["B", "A", "A"], "A", 2 / 3),
        (["A", "B"], "A", 1 / 2),
        (["B", "A"], "B", 1 / 2),
        ([None, "B", "A", "A", "B"], "B", 2 / 5),
        (["A", None, None, None, None], "A", 1 / 5),
        (["A", FAILED, FAILED], "A", 1 / 3),
        (["A", NOT_DRAWN], "A", 1 / 2),
        ([None, None], None, 0.0),
        ([FAILED], None, 0.0),
    ],
)
def test_candidate_and_confidence(
    answers: list[str | Missing | None], candidate: str | None, confidence: float
) -> None:
    """The largest class wins inside a model, ties by lowest draw; k is the denominator."""
    counted = vote("m", answers)
    assert (counted.answer, counted.confidence) == (candidate, pytest.approx(confidence))


def test_one_readable_answer_of_five_is_not_certainty() -> None:
    """A model with one readable draw of five loses to one that agrees twice of five."""
    decision = decide(
        [vote("mute", ["A", None, None, None, None]), vote("other", ["B", "B", "C", "D", "E"])]
    )
    assert (decision.answer, decision.confidence) == ("B", pytest.approx(0.4))


def test_classes_are_compared_not_texts() -> None:
    """Answers with one key are one class, shown as written at its lowest draw."""
    counted = vote("m", [Answer("3", "3"), Answer("1/2", "1/2"), Answer("0.5", "1/2")])
    assert [(c.answer, c.canonical, c.count, c.first_draw) for c in counted.counts] == [
        ("1/2", "1/2", 2, 1),
        ("3", "3", 1, 0),
    ]


@pytest.mark.parametrize(
    ("votes", "answer", "model", "rule"),
    [
        pytest.param(
            [("a", ["X", "X"], 0.1), ("b", ["Y", "Z"], 0.9)], "X", "a", "none", id="one leads"
        ),
        pytest.param(
            [("a", ["X", "X"], 0.1), ("b", ["X", "X"], 0.9)],
            "X",
            "b",
            "none",
            id="leaders agree: no tie to break, and the better record wins",
        ),
        pytest.param(
            [("a", ["X", "X"], 0.1), ("b", ["Y", "Y"], 0.9)],
            "Y",
            "b",
            "validation_accuracy",
            id="records differ",
        ),
        pytest.param(
            [("a", ["X"], 0.5), ("b", ["Y"], 0.5)], "X", "a", "pool_order", id="records equal"
        ),
        pytest.param(
            [("a", ["X"], None), ("b", ["Y"], None)], "X", "a", "pool_order", id="no records"
        ),
        pytest.param(
            [("a", ["X"], None), ("b", ["Y"], 0.0)],
            "Y",
            "b",
            "validation_accuracy",
            id="a missing record ranks after a record of 0",
        ),
        pytest.param(
            [("a", ["X"], 0.2), ("b", ["Y"], 0.8), ("c", ["Y"], 0.8)],
            "Y",
            "b",
            "validation_accuracy",
            id="the best records agree",
        ),
        pytest.param(
            [("a", ["X"], 0.2), ("b", ["Y"], 0.8), ("c", ["Z"], 0.8)],
            "Y",
            "b",
            "pool_order",
            id="the best records disagree",
        ),
    ],
)
def test_ties(
    votes: list[tuple[str, list[str], float | None]], answer: str, model: str, rule: str
) -> None:
    """Ties between models go to the better record, then to the earlier place in the pool."""
    decision = decide([vote(name, drawn, validation_accuracy=acc) for name, drawn, acc in votes])
    assert (decision.answer, decision.model, decision.tie_break) == (answer, model, rule)


def test_fractions_are_compared_exactly() -> None:
    """3/9 and 1/3 are a tie, whatever floating point says of their quotients."""
    decision = decide(
        [vote("a", ["X", "Y", "Z"]), vote("b", ["X", "X", "X", "Y", "Y", "Z", "Z", "U", "V"])]
    )
    assert (decision.model, decision.tie_break) == ("a", "none")


def test_no_readable_answer_lists_every_model() -> None:
    """Without any candidate the error says what each model's draws came to."""
    with pytest.raises(NoAnswerError) as caught:
        decide([vote("a", [None, FAILED, FAILED]), vote("b", [NOT_DRAWN])])
    assert caught.value.reasons == {
        "a": "1 unreadable, 2 failed of 3 draws",
        "b": "1 not drawn of 1 draws",
    }


def test_no_votes_at_all_is_no_answer() -> None:
    """An empty pool of votes decides nothing."""
    with pytest.raises(NoAnswerError):
        decide([])


def test_none_never_votes() -> None:
    """Two unreadable draws do not agree with each other."""
    decision = decide([vote("a", [None, None, None]), vote("b", ["X", "Y", "Z"])])
    assert (decision.answer, decision.confidence) == ("X", pytest.approx(1 / 3))


def test_blank_strings_never_vote() -> None:
    """A plain string with nothing in it is no answer; others are compared as given."""
    counted = vote("a", ["", " ", "\n", "X", " X"])
    assert (counted.unreadable, [c.canonical for c in counted.counts]) == (3, ["X", " X"])
    assert decide([vote("a", ["", "", ""]), vote("b", ["X", "Y", "Z"])]).answer == "X"


@pytest.mark.parametrize(
    "accuracy", [-0.1, 1.1, float("nan"), float("inf"), "0.5", {"default": 0.5}]
)
def test_an_impossible_validation_accuracy_is_refused(accuracy: Any) -> None:
    """A record outside [0, 1], or NaN, is an error that names the model."""
    with pytest.raises(InvalidRequestError, match="m: the validation accuracy is"):
        vote("m", ["A"], validation_accuracy=accuracy)


def test_no_draws_are_refused() -> None:
    """A vote of no draws has no denominator."""
    with pytest.raises(InvalidRequestError, match="at least one draw"):
        vote("m", [])


@pytest.mark.parametrize("answers", ["abc", {"a", "b"}, {"a": 1}, (c for c in "ab"), [1], [b"a"]])
def test_what_is_no_list_of_answers_is_refused(answers: Any) -> None:
    """A text is not a list of its letters, and an order that varies is no order of draws."""
    with pytest.raises(InvalidRequestError, match="m: "):
        vote("m", answers)


def test_votes_may_come_from_a_generator() -> None:
    """Any iterable of votes will do, and nothing else."""
    assert decide(vote(name, ["A"]) for name in "xy").answer == "A"
    with pytest.raises(InvalidRequestError, match="made of votes"):
        decide("ab")  # type: ignore[arg-type]


def test_two_votes_of_one_model_are_refused() -> None:
    """A model votes once."""
    with pytest.raises(InvalidRequestError, match="two votes of the model 'm'"):
        decide([vote("m", ["A"]), vote("m", ["B"])])


def test_partial_votes_say_what_is_open() -> None:
    """With draws missing, the leader's confidence has bounds and nothing is called settled."""
    decision = decide([vote("a", ["X", NOT_DRAWN, "X", NOT_DRAWN])])
    assert decision.confidence_bounds == (0.5, 1.0)
    assert (decision.stopped_early, decision.answer_settled, decision.winner_settled) == (
        True,
        False,
        False,
    )


@given(draws)
def test_a_vote_counts_every_draw_once(answers: list[str | Missing | None]) -> None:
    """Counts, unreadable, failed and not drawn add up to k."""
    counted = vote("m", answers)
    total = sum(c.count for c in counted.counts)
    assert total + counted.unreadable + counted.failed + counted.not_drawn == counted.k
    assert counted.k == len(answers)


@given(st.lists(st.tuples(draws, records), min_size=1, max_size=4))
def test_the_winner_has_the_highest_fraction_and_then_the_best_record(
    pool: list[tuple[list[str | Missing | None], float | None]],
) -> None:
    """The decision is the maximum of (count / k, record, earlier place), taken exactly."""
    votes = [vote(str(i), drawn, validation_accuracy=acc) for i, (drawn, acc) in enumerate(pool)]
    speaking = [v for v in votes if v.counts]
    if not speaking:
        with pytest.raises(NoAnswerError):
            decide(votes)
        return

    def merit(v: Vote) -> tuple[Fraction, bool, float, int]:
        record = v.validation_accuracy
        share = Fraction(v.counts[0].count, v.k)
        return (share, record is not None, record or 0.0, -int(v.model))

    assert decide(votes).model == max(speaking, key=merit).model


@given(st.lists(records, max_size=6))
def test_ranking_is_a_permutation_with_the_best_record_first(
    accuracies: list[float | None],
) -> None:
    """Every model is ranked once; records never rise along the ranking, missing ones are last."""
    order = rank_by_record(accuracies)
    assert sorted(order) == list(range(len(accuracies)))
    ranked = [accuracies[i] for i in order]
    known = [a for a in ranked if a is not None]
    assert known == sorted(known, reverse=True)
    assert ranked[: len(known)] == known
