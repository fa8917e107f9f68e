"""The board: draws become groups, and a decision the columns that it rests on."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers.text import TextKind
from slm_mux.sampling.events import AnswerSettled, QuestionPlanned
from slm_mux.sampling.tally import Drawer
from slm_mux.server.page.board import Board, board_of
from slm_mux.server.page.live import LiveBoard
from slm_mux.server.page.marks import SHAPES, Marks
from slm_mux.server.page.texts import on_one_line, share
from slm_mux.server.page.words import saved, why


def drawn(model: str, draw: int, answer: str | None, **changed: Any) -> dict[str, Any]:
    """One draw, as the API writes it."""
    return {
        "model": model,
        "draw": draw,
        "seed": 0,
        "answer": answer,
        "canonical": answer,
        "text": f"I say {answer}",
        "tool_calls": [],
        "finish_reason": "stop",
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "error": None,
        "message": None,
        "seconds": 1.25,
    } | changed


def decided(**changed: Any) -> dict[str, Any]:
    """A decision of two models, as the API writes it."""
    votes = [
        vote("a", [("4", 2), ("5", 1)], record=0.8),
        vote("b", [("5", 2)], not_drawn=1, record=0.6),
    ]
    return {
        "answer": "4",
        "canonical": "4",
        "model": "a",
        "confidence": 2 / 3,
        "confidence_bounds": [2 / 3, 2 / 3],
        "tie_break": "validation_accuracy",
        "kind": "number",
        "method": "mux",
        "answer_settled": True,
        "winner_settled": True,
        "votes": votes,
        "runners_up": [{"model": "b", "answer": "5", "canonical": "5", "confidence": 2 / 3}],
        "draws": [
            drawn("a", 0, "4"),
            drawn("a", 1, "5"),
            drawn("a", 2, "4"),
            drawn("b", 0, "5"),
            drawn("b", 1, "5"),
        ],
    } | changed


def vote(
    model: str, counts: list[tuple[str, int]], *, not_drawn: int = 0, record: float | None = None
) -> dict[str, Any]:
    """A model's vote of three draws."""
    return {
        "model": model,
        "k": 3,
        "counts": [{"answer": a, "canonical": a, "count": n} for a, n in counts],
        "unreadable": 0,
        "failed": 0,
        "not_drawn": not_drawn,
        "validation_accuracy": record,
    }


def test_what_is_settled_at_once_is_shown_so_at_once() -> None:
    """The first look at a question that is settled already does not say that draws are awaited."""
    told: list[tuple[str, bool]] = []

    def render(part: str, **shown: Any) -> str:
        told.append((part, shown["settled"]))
        return part

    board = LiveBoard(render)
    drawers = (Drawer(model="a", k=3, validation_accuracy=None),)
    board.observe(QuestionPlanned(kind="number", kind_reason=None, drawers=drawers))
    board.observe(AnswerSettled(canonical="4"))
    assert board.changes()["set"] == {"result": "running"}
    assert told == [("running", True)]


def test_draws_become_groups_as_they_come() -> None:
    """The largest class leads, equal ones stand by their lowest draw, in whatever order."""
    board = Board([("a", 4, None)])
    board.asked("a", [0, 1, 2, 3])
    for draw, answer in ((3, "9"), (1, "7"), (0, "8")):
        board.drew(drawn("a", draw, answer))
    column = board.column("a")
    assert [(g.answer, g.count) for g in column.groups] == [("8", 1), ("7", 1), ("9", 1)]
    board.drew(drawn("a", 2, "9"))
    assert [(g.answer, g.count) for g in column.groups] == [("9", 2), ("8", 1), ("7", 1)]
    assert column.said == "2 of 4 draws agree: 50\u00a0%"
    assert (board.drawn, board.planned) == (4, 4)


def test_a_decided_board_has_the_votes_of_the_decision() -> None:
    """Each column has its vote's counts, its winner, and what was left out."""
    mux = decided()
    board = board_of(mux)
    for column, own in zip(board.columns, mux["votes"], strict=True):
        counts = [(c["answer"], c["count"]) for c in own["counts"]]
        assert [(g.answer, g.count) for g in column.groups] == counts
        assert column.open == own["not_drawn"]
    assert [column.won for column in board.columns] == [True, False]
    assert [draw.state for draw in board.columns[1].draws] == ["read", "read", "not_drawn"]
    # The same class has the same mark in both columns, and the answer has the first.
    assert board.columns[0].groups[1].mark == board.columns[1].groups[0].mark
    assert board.columns[0].groups[0].mark == Marks().of("any")


def test_unreadable_and_failed_draws_are_shown_as_such() -> None:
    """They are counted apart, with the text or the reason."""
    board = Board([("a", 2, 0.5)])
    board.drew(drawn("a", 0, None, text="no idea"))
    board.drew(drawn("a", 1, None, text=None, error="RequestTimeoutError", message="too slow"))
    column = board.column("a")
    assert (column.unreadable, column.failed, column.open) == (1, 1, 0)
    assert [(d.state, d.text) for d in column.draws] == [
        ("unreadable", "no idea"),
        ("failed", None),
    ]
    assert column.draws[1].note == "too slow"
    assert column.said == "no answer"


def test_draws_that_were_read_again_as_texts_are_grouped_as_texts() -> None:
    """Where no draw was readable in the kind looked for, the classes are those of the texts."""
    texts = [("a", 0, "Yes, it is."), ("a", 1, "yes, it is"), ("b", 0, "No.")]
    keys = {text: TextKind().read(text) for _, _, text in texts}
    counts: dict[str, list[Any]] = {"a": [], "b": []}
    for model in counts:
        own = [keys[text] for name, _, text in texts if name == model]
        for key in dict.fromkeys(answer.key for answer in own if answer):
            number = sum(answer is not None and answer.key == key for answer in own)
            counts[model].append((key, number))
    votes = [
        vote(model, found, not_drawn=3 - sum(n for _, n in found))
        for model, found in counts.items()
    ]
    mux = decided(
        kind="text",
        canonical=votes[0]["counts"][0]["canonical"],
        votes=votes,
        runners_up=[],
        draws=[drawn(model, draw, None, text=text) for model, draw, text in texts],
    )
    board = board_of(mux)
    assert [[g.count for g in column.groups] for column in board.columns] == [
        [n for _, n in found] for found in counts.values()
    ]
    assert all(column.unreadable == 0 for column in board.columns)


def test_marks_tell_many_classes_apart() -> None:
    """Eight classes have eight shapes, and as many as sixty-four have marks of their own."""
    marks = Marks()
    found = [marks.of(str(number)) for number in range(64)]
    assert len({mark.shape for mark in found[:8]}) == len(SHAPES) == 8
    assert len(set(found)) == 64
    assert marks.of("3") == found[3]


def test_why_names_the_rule_that_broke_a_tie() -> None:
    """Each rule has its own sentence; so has an answer that nobody gave twice."""
    [said] = why(decided())
    assert "a and b agree with themselves equally often (2 of 3), on different answers" in said
    assert "a has the best record of them (80\u00a0%)" in said
    assert "it stands first" in why(decided(tie_break="pool_order"))[0]
    led = decided(tie_break="none", votes=[vote("a", [("4", 3)]), vote("b", [("5", 2)])])
    assert why(led) == [
        "a agrees with itself most: 3 of 3 draws gave this answer. Next comes b with 2 of 3."
    ]
    same = decided(tie_break="none", votes=[vote("a", [("4", 2)]), vote("b", [("4", 2)])])
    assert "and on the same answer" in why(same)[0]
    alone = decided(votes=[vote("a", [("4", 1), ("5", 1), ("6", 1)])])
    assert why(alone)[1] == "No model gave the same answer twice, so take it with care."
    unsure = decided(winner_settled=False, confidence_bounds=[2 / 3, 1.0])
    assert "between 67\u00a0% and 100\u00a0%" in why(unsure)[1]


def test_why_speaks_of_each_method() -> None:
    """The baselines are explained as what they are."""
    assert "one draw of a" in why(decided(method="single"))[0]
    assert "asked alone" in why(decided(method="self_consistency"))[0]
    assert "3 of 6 gave this answer" in why(decided(method="agent_forest", canonical="5"))[0]


def test_saved_draws_are_counted() -> None:
    """What was left out stands beside what was planned."""
    assert saved(decided()).startswith("Settled after 5 of 6 draws: the other 1 (17\u00a0%)")
    assert saved(decided(votes=[vote("a", [("4", 3)])])) == "All 3 draws were made."


@given(st.text(max_size=300), st.integers(min_value=2, max_value=50))
def test_one_line_is_one_line(text: str, most: int) -> None:
    """It has no line end and no more characters than asked for."""
    line = on_one_line(text, most)
    assert len(line) <= most
    assert len(line.splitlines()) <= 1


def test_small_words() -> None:
    """Shares and counts are written as people write them."""
    assert [share(2, 3), share(0, 0), share(0.805)] == ["67\u00a0%", "0\u00a0%", "80\u00a0%"]
