"""The problems that come with the package."""

from collections import Counter
from pathlib import Path

import pytest

from slm_mux.answers import make_kind
from slm_mux.answers.prompt import prompt_messages
from slm_mux.errors import InvalidRequestError
from slm_mux.tasks import Task, TaskOptions, load_task
from slm_mux.types import KindName

KINDS: tuple[KindName, ...] = ("number", "math")


@pytest.fixture(scope="module")
def demo() -> Task:
    return load_task("demo")


def test_halves_have_the_same_mix_of_kinds(demo: Task) -> None:
    """Each of the two splits has 12 numbers, 10 choices, 9 formulas and 9 labels."""
    mix = {"number": 12, "choice": 10, "math": 9, "label": 9}
    assert demo.splits == ("validation", "test")
    for split in demo.splits:
        assert Counter(problem.kind for problem in demo.select(split)) == mix


def test_first_problems_of_a_split_are_mixed(demo: Task) -> None:
    """Any eight problems in a row of a split have all four kinds."""
    for split in demo.splits:
        kinds = [problem.kind for problem in demo.select(split)]
        for start in range(len(kinds) - 7):
            assert len(set(kinds[start : start + 8])) == 4


def test_nothing_is_wrong_with_it(demo: Task) -> None:
    """Ids and questions are unique, every target can be read, and nothing is left unscored."""
    shared = {name: make_kind(name) for name in KINDS}
    assert demo.issues == ()
    assert len(demo.problems) == 80
    assert [p.id for p in demo.problems] == [f"demo-{n:03}" for n in range(1, 81)]
    for problem in demo.problems:
        assert problem.target is not None
        if problem.choices or problem.labels:
            kind = make_kind(problem.kind, choices=problem.choices or None, labels=problem.labels)
            assert kind.canonical(problem.target) == problem.target
        else:
            assert shared[problem.kind].canonical(problem.target) is not None
    shared["math"].close()


def test_right_choices_are_spread_evenly(demo: Task) -> None:
    """Each of A to D is right five times, so that no letter is a good guess."""
    right = Counter(problem.target for problem in demo.problems if problem.kind == "choice")
    assert right == {"A": 5, "B": 5, "C": 5, "D": 5}


def test_choices_are_always_shown_with_their_labels(demo: Task) -> None:
    """Every prompt of a choice lists the four labels, one a line."""
    for problem in demo.problems:
        if problem.kind == "choice":
            kind = make_kind("choice", choices=problem.choices)
            question = [{"role": "user", "content": problem.question}]
            [message] = prompt_messages(question, kind, choices=problem.choices)
            for label, text in problem.choices.items():
                assert f"\n{label}) {text}" in message["content"]


def test_one_split_alone(demo: Task) -> None:
    """With `split`, the other half is left out; an unknown split is refused with the valid ones."""
    half = load_task("demo", options=TaskOptions(split="test"))
    assert half.problems == demo.select("test")
    with pytest.raises(InvalidRequestError, match=r"no split 'tset': it has validation, test"):
        load_task("demo", options=TaskOptions(split="tset"))


def test_no_path_replaces_it() -> None:
    """A path for the demo's data is refused."""
    with pytest.raises(InvalidRequestError, match="come with the package"):
        load_task("demo", data=Path("mine.jsonl"))
