"""What an exhibit takes of a task."""

from pathlib import Path

import pytest

from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Pool
from slm_mux.paper.exhibits import EXHIBITS, check_pool, exhibit_of, lines_of
from slm_mux.paper.figures import PROBLEMS, VALIDATION_PROBLEMS
from slm_mux.paper.planning import first_draws, later_draws
from slm_mux.tasks import Task
from tests.evaluation.making import pool_of, problem
from tests.paper.making import POOL, planned

SEARCHING = [name for name, one in EXHIBITS.items() if one.searches]


def pool_file(folder: Path, *lines: str) -> Pool:
    """A pool of two models with further lines."""
    path = folder / "pool.yaml"
    models = [f"  - {{name: m{n}, url: http://127.0.0.1:9/v1, model: m}}" for n in range(2)]
    path.write_text("\n".join([*lines, "models:", *models]) + "\n")
    return Pool.load(path)


def test_names() -> None:
    """Every exhibit is found by its name; another name says which is near."""
    assert [exhibit_of(name).name for name in EXHIBITS] == list(EXHIBITS)
    with pytest.raises(InvalidRequestError, match="no table or figure 'figure6'; did you mean"):
        exhibit_of("figure6")


def test_one_model_is_no_pool_for_them() -> None:
    """A single model cannot be put together with others."""
    with pytest.raises(InvalidRequestError, match="table2 is about models together.*1 model"):
        check_pool(EXHIBITS["table2"], pool_of("a"))
    check_pool(EXHIBITS["table2"], POOL)


def test_lines() -> None:
    """--only picks lines by their names or short names, in the order of the exhibit."""
    table1 = EXHIBITS["table1"]
    assert lines_of(table1, ()) == table1.lines
    assert lines_of(table1, ("mux", "moa")) == ("mixture_of_agents", "mux")
    with pytest.raises(InvalidRequestError, match="no line 'agent_forest'"):
        lines_of(table1, ("agent_forest",))
    with pytest.raises(InvalidRequestError, match="table2 has nothing that --only could"):
        lines_of(EXHIBITS["table2"], ("mux",))


@pytest.mark.parametrize(("exhibit", "k", "search_k"), [("table2", 3, 3), ("figure9", 9, 3)])
def test_draws_of_the_paper(tmp_path: Path, exhibit: str, k: int, search_k: int) -> None:
    """A pool file that does not state `samples` takes as many as the paper, and searches with 3."""
    made = planned(exhibit, pool=pool_file(tmp_path))
    assert (made.k, made.search_k, made.exact) == (k, search_k, True)


def test_draws_of_ones_own(tmp_path: Path) -> None:
    """The pool file's `samples` goes before the paper's, --samples before both."""
    pool = pool_file(tmp_path, "samples: 5")
    assert (planned("figure9", pool=pool).k, planned("figure9", pool=pool).search_k) == (5, 5)
    made = planned("figure9", pool=pool, samples=2, offline=True)
    assert (made.k, made.search_k, made.exact) == (2, 2, True)
    assert planned("figure9", pool=pool, offline=True).exact is False


def test_problems_of_the_benchmarks() -> None:
    """Of a benchmark as many problems are taken as the paper has, of any task at most the limit."""
    many = [problem(f"t{n}", split="test") for n in range(600)]
    many += [problem(f"v{n}", split="validation") for n in range(600)]
    task = Task(name="gsm8k", problems=tuple(many), source="", sha256="")
    made = planned("table2", task=task)
    assert (len(made.measured), len(made.searched)) == (PROBLEMS["gsm8k"], VALIDATION_PROBLEMS)
    made = planned("table2", task=task, limit=7)
    assert [one.id for one in (made.measured[-1], made.searched[-1])] == ["t6", "v6"]
    other = Task(name="own", problems=tuple(many), source="", sha256="")
    assert len(planned("table2", task=other).measured) == 600


@pytest.mark.parametrize("exhibit", SEARCHING)
def test_no_validation_split(exhibit: str) -> None:
    """Where nothing can be chosen on, that is the gap, and nothing is drawn."""
    only_test = Task(name="own", problems=(problem("t", split="test"),), source="", sha256="")
    made = planned(exhibit, task=only_test)
    assert made.gap is not None
    assert "no validation split" in made.gap
    assert first_draws(made) == later_draws(made, ["a", "b"]) == []


def test_no_test_split() -> None:
    """What was chosen on is not what is measured; figure 7 needs no other problems."""
    only = Task(name="own", problems=(problem("v", split="validation"),), source="", sha256="")
    gap = planned("table2", task=only).gap
    assert gap is not None
    assert "validation split" in gap
    assert planned("figure7", task=only).gap is None


def test_table_1_needs_no_validation() -> None:
    """Without splits it is run on all problems."""
    task = Task(name="own", problems=(problem("q"), problem("r")), source="", sha256="")
    made = planned("table1", task=task)
    assert (made.gap, made.split, len(made.measured), made.searched) == (None, None, 2, ())
    assert [draws.what for draws in first_draws(made)] == ["test"]


def test_draws_of_table_1() -> None:
    """Validation unless the pool file states it; then the best member's further draws."""
    made = planned("table1")
    assert [(d.what, len(d.problems), len(d.pool), d.k) for d in first_draws(made)] == [
        ("validation", 4, 3, 3),
        ("test", 4, 3, 3),
    ]
    (more,) = later_draws(made, ["b"])
    assert ([one.name for one in more.pool], more.k) == (["b"], 9)
    assert later_draws(planned("table1", lines=("mux",)), ["b"]) == []
    record = {"validation_accuracy": {"toy": 0.5}}
    stated = pool_of(a=record, b=record)
    assert [draws.what for draws in first_draws(planned("table1", pool=stated))] == ["test"]


def test_draws_of_an_exhibit_that_searches() -> None:
    """Validation first; the test problems are asked of the chosen members alone."""
    made = planned("table3", samples=4)
    assert [(d.what, d.k) for d in first_draws(made)] == [("validation", 3)]
    (measured,) = later_draws(made, ["c", "a"])
    assert ([one.name for one in measured.pool], measured.k) == (["a", "c"], 4)
    assert later_draws(planned("figure7"), ["a"]) == []


def test_the_large_model() -> None:
    """It is no part of the pool that is searched, and has one draw unless the file says more."""
    made = planned("table4", large="c")
    assert [member.name for member in made.pool] == ["a", "b"]
    assert made.large is not None
    large = first_draws(made)[1]
    assert ([one.name for one in large.pool], large.k) == (["c"], 1)
    more = pool_of("a", "b", c={"samples": 2})
    assert first_draws(planned("table4", pool=more, large="c"))[1].k == 2
    with pytest.raises(InvalidRequestError, match="no model in the pool 'd'"):
        planned("table4", large="d")
    with pytest.raises(InvalidRequestError, match="--large goes with table4, not with figure9"):
        planned("figure9", large="c")


def test_wrong_numbers() -> None:
    """They are refused before anything is drawn."""
    with pytest.raises(InvalidRequestError, match="samples is 0"):
        planned("table1", samples=0)
    with pytest.raises(InvalidRequestError, match="limit is 0"):
        planned("table1", limit=0)
    with pytest.raises(InvalidRequestError, match="seed is -1"):
        planned("table1", seed=-1)
