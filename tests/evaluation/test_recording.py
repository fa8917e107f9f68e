"""The recording that is shipped with the package, unpacked into the user's cache."""

from pathlib import Path

import pytest

from slm_mux.collecting.asking import Settings
from slm_mux.collecting.shortfall import needs_of
from slm_mux.errors import StoreError
from slm_mux.evaluation.evaluate import evaluate
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.recording import recorded_store, recordings_folder
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.store import Store, export_samples
from slm_mux.tasks import load_task
from tests.evaluation.making import TASK, evaluated, problem, stored
from tests.shipped import evaluated_afresh, shipped_store


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "cache"))


def recording(path: Path, answer: str = "7") -> Path:
    with stored(path.with_suffix(".db"), [problem("q1")], {"a": {"q1": [answer]}}) as store:
        export_samples(store, path)
    return path


def test_it_is_unpacked_once(tmp_path: Path) -> None:
    """The same recording gives the same store, with all that was made of it since."""
    source = recording(tmp_path / "r.parquet")
    path = recorded_store(source)
    with Store.open(path) as store:
        assert evaluated(store)["problems"] == 1
        store.put_run({"task": TASK})
    assert recorded_store(source) == path
    with Store.open(path) as store:
        assert len(store.runs()) == 1
    assert list(recordings_folder().iterdir()) == [path]


def test_another_recording_is_another_store(tmp_path: Path) -> None:
    """A newer package's recording does not mix with an older one's."""
    one = recorded_store(recording(tmp_path / "one.parquet"))
    other = recorded_store(recording(tmp_path / "other.parquet", "8"))
    assert one != other


def test_a_package_without_a_recording(tmp_path: Path) -> None:
    """It says so, and what to do."""
    with pytest.raises(StoreError, match="no recorded samples of demo.*slm-mux collect demo"):
        recorded_store(tmp_path / "none.parquet")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the folder."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="cannot be unpacked there"):
        recorded_store(recording(tmp_path / "r.parquet"))


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The recording in the package, unpacked."""
    there = shipped_store(tmp_path / "cache")
    assert recorded_store() == there
    return there


def test_the_shipped_recording_is_what_collect_would_ask_for(shipped: Path) -> None:
    """With the example's pool nothing is missing: prompts, settings and seeds are today's."""
    pool = Pool.load(Path(__file__).parents[2] / "examples" / "demo-pool.yaml")
    readers = Readers()
    with Store.open(shipped) as store:
        needs = needs_of(
            "demo",
            load_task("demo").problems,
            pool,
            store=store,
            readers=readers,
            settings=Settings(),
        )
        assert store.verify().sound
    readers.close()
    assert [(member.missing, member.failed) for member in needs] == [(0, 0)] * len(pool)


def test_the_shipped_recording_can_be_evaluated() -> None:
    """Every method that the draws suffice for has its figure, without bubblewrap too."""
    document = evaluated_afresh()
    right = {row["method"]: row["correct"] for row in document["methods"]}
    assert (document["problems"], document["split"], len(document["notes"])) == (40, "test", 1)
    assert "the models have unequal draws (qwen2.5-coder-1.5b 15" in document["notes"][0]
    expected = {"mux": 30, "single": 31, "self_consistency_at_k": 33, "agent_forest": 31}
    assert {method: right[method] for method in expected} == expected
    assert all(not record["leaks"] for record in document["validation_accuracies"])


def test_budgets_can_be_equal_on_the_shipped_recording(shipped: Path) -> None:
    """The strongest member has as many draws as the three in words make together."""
    pool = Pool.load(Path(__file__).parents[2] / "examples" / "demo-pool-words.yaml")
    readers = Readers()
    with Store.open(shipped) as store, make_scorer() as scorer:
        document = evaluate(store, Question(task="demo", pool=pool), readers=readers, scorer=scorer)
    readers.close()
    assert {row["method"]: row["correct"] for row in document["methods"]} == {
        "mux": 33,
        "single": 31,
        "single_best_on_evaluated": 31,
        "self_consistency": 34,
        "self_consistency_equal_tokens": 34,
        "self_consistency_at_k": 33,
        "agent_forest": 32,
    }
    draws = {row["method"]: row["samples_per_problem"] for row in document["methods"]}
    assert draws["mux"] == draws["self_consistency"] == 15
