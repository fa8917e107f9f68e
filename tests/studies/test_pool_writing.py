"""The pool file of what a search found: it loads, and asks as the samples were asked."""

from pathlib import Path

import pytest

from slm_mux.cli.options import check_output
from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.importing import import_files
from slm_mux.models.pool import Pool
from slm_mux.store import Store
from slm_mux.studies.pool_writing import write_pool
from slm_mux.studies.rules import SearchRules
from slm_mux.types import Problem
from tests.cli.exam import TABLE
from tests.evaluation.making import TASK, draws, put_answers, series
from tests.importing.files import write_lines
from tests.studies.making import DRAWN, both_splits, searched, two_splits

FILE = """
samples: 3
temperature: 0.4
stopping: frugal
models:
  - name: extra
    url: http://127.0.0.1:1/v1
    model: e
    api_key: ${KEY_OF_MINE}
    requests_per_minute: 30
  - name: b
    url: http://127.0.0.1:1/v1
    model: m-b
    api_key: ${KEY_OF_MINE}
    samples: 9
    system: "Be brief: yes"
    validation_accuracy: 0.125
  - name: a
    gguf: models/a.gguf
    slots: 2
    style: program
    extra: {min_p: 0.1}
    price: {prompt: 1, completion: 2}
    validation_accuracy: {other: 0.5}
"""


def whole(path: Path) -> Pool:
    """The pool, in which nothing is left to fill in."""
    return Pool.load(path, environment={"KEY_OF_MINE": "a-key-of-somebody"})


def test_from_what_the_store_knows(tmp_path: Path) -> None:
    """Served models are asked at their address, best record first, as the samples were asked."""
    path = tmp_path / "best.yaml"
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store)
        assert write_pool(path, document, store) == []
    pool = Pool.load(path)
    assert [member.name for member in pool] == ["a", "b"]
    assert (pool.samples, pool.seed) == (3, 0)
    a, b = pool
    assert a.model.identity == "openai:http://host/v1|a"  # type: ignore[attr-defined]
    assert (a.generation.temperature, a.generation.max_tokens) == (0.3, None)
    assert (a.validation_accuracy, b.validation_accuracy) == ({"toy": 0.5}, {"toy": 0.25})
    text = path.read_text()
    assert "# Criterion: objective (union accuracy - 1 x contradiction; correct: modal) = " in text
    assert "0.7500 (proven: yes)" in text
    assert document["data"]["samples"] in text
    assert "75.0% on 4 problems held out" in text


def test_the_pool_finds_the_samples_again(tmp_path: Path) -> None:
    """What is written draws as the samples were drawn: a search with it needs nothing else."""
    path = tmp_path / "best.yaml"
    system = "Think.\n\nThen answer: {7}"
    source = tmp_path / "pool.yaml"
    source.write_text(
        f"models:\n  - name: m\n    url: http://127.0.0.1:1/v1\n    model: s\n"
        f"    system: {system!r}\n    stop: [END]\n    top_p: 0.5\n".replace("'", '"')
    )
    with two_splits(tmp_path / "s.db", {}) as store:
        for member in Pool.load(source):
            put_answers(store, member, both_splits(), DRAWN["a"])
        document = searched(store)
        assert write_pool(path, document, store) == []
        again = searched(store, pool=Pool.load(path))
    member = next(iter(Pool.load(path)))
    assert (member.system, member.generation.stop) == (system, ("END",))
    assert (member.generation.top_p, member.generation.max_tokens) == (0.5, 1024)
    assert again["best"] | {"validation_accuracies": {}} == document["best"] | {
        "validation_accuracies": {}
    }


def test_entries_of_a_pool_file_stay_as_they_are(tmp_path: Path) -> None:
    """Keys stay variables; limits of an endpoint stay though the entry that stated them goes."""
    source = tmp_path / "pool.yaml"
    source.write_text(FILE)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.gguf").write_bytes(b"GGUF")
    path = tmp_path / "elsewhere" / "best.yaml"
    path.parent.mkdir()
    pool = whole(source)
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store)
        assert document["best"]["models"] == ["a", "b"]
        assert write_pool(path, document, store, pool=pool) == []
    text = path.read_text()
    assert text.count("${KEY_OF_MINE}") == 1
    a, b = whole(path)
    assert (a.name, a.style, a.generation.extra) == ("a", "program", {"min_p": 0.1})
    assert a.model.limits.max_in_flight == 2
    assert str(tmp_path / "models" / "a.gguf") in text
    assert a.validation_accuracy == {"other": 0.5, "toy": 0.5}
    assert b.validation_accuracy == {"default": 0.125, "toy": 0.25}
    assert (b.system, b.samples, b.generation.temperature) == ("Be brief: yes", None, 0.4)
    assert b.model.limits.requests_per_minute == 30
    assert (whole(path).samples, whole(path).stopping) == (3, "frugal")


def test_a_file_in_the_catalogue(tmp_path: Path) -> None:
    """A model file that the catalogue has is named by it; another one's place is asked for."""
    known = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
    path = tmp_path / "best.yaml"
    names = {"known": known, "other": "0" * 64}
    with Store.open(tmp_path / "s.db") as store:
        problems = [Problem(id="q1", question="What of q1?", kind="number", target="7")]
        problems += [Problem(id="q2", question="What of q2?", kind="number", target="7")]
        store.put_task(TASK, problems, source="made up", sha256="00")
        for name, digest in names.items():
            for one in problems:
                asked = series(name, one.id, identity=f"gguf:sha256:{digest}")
                store.put_asked(TASK, [(one.id, asked)])
                right = (name == "known") == (one.id == "q1")
                store.put_draws(draws(asked, ["7"] * 2 if right else ["8", "9"]))
        to_fill_in = write_pool(path, searched(store), store)
    assert "gguf: builtin:qwen2.5-coder-0.5b" in path.read_text()
    assert len(to_fill_in) == 1
    assert "set FILE_OF_OTHER" in to_fill_in[0]
    with pytest.raises(PoolError, match="environment variable FILE_OF_OTHER is not set"):
        Pool.load(path, environment={})
    assert len(Pool.load(path, environment={"FILE_OF_OTHER": "other.gguf"})) == 2


def test_imported_models_are_to_be_filled_in(tmp_path: Path) -> None:
    """Logs do not say where a model is served: a variable stands for it, and is asked for."""
    path = tmp_path / "best.yaml"
    with Store.open(tmp_path / "s.db") as store:
        import_files(store, [write_lines(tmp_path / "t.jsonl", TABLE)], task="exam")
        document = searched(store, task="exam")
        to_fill_in = write_pool(path, document, store)
    assert document["best"]["models"] == ["m[1]"]
    assert "where m[1] is served is not known (its samples were imported" in to_fill_in[0]
    with pytest.raises(PoolError, match=r"best.yaml:\d+: .* variable URL_OF_M_1 is not set"):
        Pool.load(path, environment={})
    pool = Pool.load(path, environment={"URL_OF_M_1": "http://127.0.0.1:1/v1"})
    assert [member.name for member in pool] == ["m[1]"]


def test_within_a_budget(tmp_path: Path) -> None:
    """With a cost limit the file has the subset and k that the budget allows."""
    path = tmp_path / "best.yaml"
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, SearchRules(cost_limit=20))
        write_pool(path, document, store)
    pool = Pool.load(path)
    assert (len(pool), pool.samples) == (1, 1)
    assert "at most 20 tokens per question" in path.read_text()


@pytest.mark.parametrize(
    "name", ["# no: [model]", "null", "1.0", "a\nb", "a\u2028b", "ü: 'x' \"y\"", "🦙 - x"]
)
def test_names_that_yaml_could_misread(tmp_path: Path, name: str) -> None:
    """Whatever a model is called, the file has that name, and comments stay comments."""
    path = tmp_path / "best.yaml"
    with two_splits(tmp_path / "s.db", {name: DRAWN["a"]}) as store:
        write_pool(path, searched(store), store)
    assert [member.name for member in Pool.load(path)] == [name]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """An existing file, a folder, one that is not there, a name that reads the environment."""
    path = tmp_path / "best.yaml"
    path.write_text("mine")
    with pytest.raises(InvalidRequestError, match="exists; --force overwrites it"):
        check_output(path, "--write", force=False)
    check_output(path, "--write", force=True)
    with pytest.raises(InvalidRequestError, match="is a folder"):
        check_output(tmp_path, "--write", force=True)
    with pytest.raises(InvalidRequestError, match="there is no folder"):
        check_output(tmp_path / "no" / "best.yaml", "--write", force=False)
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store)
        with pytest.raises(PoolError, match="cannot be written: No such file"):
            write_pool(tmp_path / "no" / "best.yaml", document, store)
    with two_splits(tmp_path / "t.db", {"${HOME}": DRAWN["a"]}) as store:
        document = searched(store)
        with pytest.raises(PoolError, match="cannot stand in a pool file"):
            write_pool(path, document, store)
    assert path.read_text() == "mine"
