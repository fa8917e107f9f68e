"""A pool file's `methods`."""

from pathlib import Path

import pytest

from slm_mux.discussion.of_pool import check_methods, workflows_of
from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.pool import Pool

MODELS = """\
models:
  - {name: qwen, url: "http://127.0.0.1:1/v1", model: q, context: 2048}
  - {name: llama, url: "http://127.0.0.1:1/v1", model: l}
"""


def load(tmp_path: Path, methods: str) -> Pool:
    path = tmp_path / "pool.yaml"
    path.write_text(MODELS + methods)
    return Pool.load(path)


def test_methods_are_made_as_the_file_sets_them(tmp_path: Path) -> None:
    """By name or by short name; what is not set has its defaults; each comes once."""
    pool = load(tmp_path, "methods:\n  debate: {rounds: 3}\n  moa: {aggregator: llama}\n  usc:\n")
    check_methods(pool)
    made = workflows_of(pool, ["mixture_of_agents", "debate", "moa", "mav"])
    assert [one.name for one in made] == [
        "mixture_of_agents",
        "debate",
        "multi_agent_verification",
    ]
    assert (made[0].settings()["aggregator"], made[1].settings()["rounds"]) == ("llama", 3)


@pytest.mark.parametrize(
    ("methods", "line", "complaint"),
    [
        ("  debat: {rounds: 3}\n", 5, "there is no method 'debat'; did you mean 'debate'?"),
        ("  debate:\n    agents: 2\n    round: 3\n", 7, "has no setting 'round'; did you mean"),
        ("  debate:\n    agents: 2\n    rounds: two\n", 7, "Expected `int`, got `str`"),
        ("  debate:\n    agents: 2\n    rounds: 0\n", 7, "rounds is 0"),
        ("  debate: 3\n", 5, "`debate`: its settings are a mapping"),
        ("  moa:\n    layers: 2\n    aggregator: lama\n", 7, "did you mean 'llama'?"),
        ("  moa: {}\n  mixture_of_agents: {}\n", 6, "are one method; set it once"),
    ],
)
def test_mistakes_have_their_line(tmp_path: Path, methods: str, line: int, complaint: str) -> None:
    """What a method cannot be set to is reported with file and line, before it is used."""
    pool = load(tmp_path, "methods:\n" + methods)
    with pytest.raises(PoolError) as raised:
        check_methods(pool)
    assert str(raised.value).startswith(f"{tmp_path / 'pool.yaml'}:{line}: ")
    assert complaint in str(raised.value)


def test_methods_that_are_not_there(tmp_path: Path) -> None:
    """A name that the command line has wrong is no mistake of the file."""
    with pytest.raises(InvalidRequestError, match="there is no method 'moe'"):
        workflows_of(load(tmp_path, ""), ["moe"])


def test_methods_are_a_mapping(tmp_path: Path) -> None:
    """A list of names is refused with its line."""
    with pytest.raises(PoolError, match="pool.yaml:4: `methods`"):
        load(tmp_path, "methods: [debate]\n")


def test_the_context_of_an_endpoint(tmp_path: Path) -> None:
    """It is known where the file states it."""
    contexts = [getattr(one.model, "context", 0) for one in load(tmp_path, "")]
    assert contexts == [2048, None]
