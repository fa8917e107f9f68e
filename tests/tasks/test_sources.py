"""Data from the hub, from its cache, and without a network."""

from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.tasks import TaskOptions, load_task
from slm_mux.tasks.sources import split_of_file
from tests.tasks.hub import DataHub

GSM8K = "/datasets/openai/gsm8k/resolve/main/main"


def parquet(*rows: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink)
    return bytes(sink.getvalue())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and no hub but the one that it starts."""
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


FILES = {
    f"{GSM8K}/train-00000-of-00001.parquet": parquet({"question": "1?", "answer": "so\n#### 1"}),
    f"{GSM8K}/test-00000-of-00001.parquet": parquet({"question": "2?", "answer": "so\n#### 2"}),
}


def test_both_splits_from_the_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GSM8K's train file is fetched as validation, its test file as test, and both are kept."""
    with DataHub(FILES) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        task = load_task("gsm8k")
        assert [(p.question, p.target, p.split) for p in task.problems] == [
            ("1?", "1", "validation"),
            ("2?", "2", "test"),
        ]
        assert task.source.startswith("hub openai/gsm8k@main main/train-00000-of-00001.parquet")
        assert hub.asked == list(FILES)
    assert load_task("gsm8k") == task
    assert sorted(path.name for path in cache.rglob("*.parquet")) == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]


def test_one_split_fetches_one_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a split, only its file is asked for; "train" is the official name of validation."""
    with DataHub(FILES) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        task = load_task("gsm8k", options=TaskOptions(split="train"))
    assert hub.asked == [f"{GSM8K}/train-00000-of-00001.parquet"]
    assert task.splits == ("validation",)


def test_an_unknown_split_asks_nobody(cache: Path) -> None:
    """A split that the benchmark lacks is refused before anything is fetched."""
    with pytest.raises(InvalidRequestError, match=r"gsm8k has no split 'tset': .*`test`"):
        load_task("gsm8k", options=TaskOptions(split="tset"))
    assert not cache.exists()


@pytest.mark.parametrize("name", ["gsm8k", "math", "gpqa"])
def test_without_a_network(cache: Path, name: str) -> None:
    """Where the hub does not answer, one sentence says so and how to give a path."""
    with pytest.raises(TaskDataError) as caught:
        load_task(name)
    message = str(caught.value)
    assert message.startswith(f"{name}: its data could not be had (the hub: 127.0.0.1 cannot be ")
    assert message.endswith("give its path with --data PATH (in Python: data=Path(...))")
    assert "\n" not in message


def test_a_hub_without_the_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the hub does not have is named, and nothing half is kept."""
    with DataHub({}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(TaskDataError, match=r"it has no test\.jsonl in datasets/Hugging"):
            load_task("math")
    assert not list(cache.rglob("*.jsonl*"))


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that is a file is said to be unusable."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "file"))
    with pytest.raises(TaskDataError, match="cannot be written: Not a directory"):
        load_task("math")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("gsm8k_train.jsonl", "validation"),
        ("test-00000-of-00001.parquet", "test"),
        ("dev.csv", "validation"),
        ("my-validation-set.json", "validation"),
        ("latest.jsonl", None),
        ("contest.jsonl", None),
    ],
)
def test_the_split_in_a_name(name: str, split: str | None) -> None:
    """Only whole words of a file's name tell its split."""
    assert split_of_file(name) == split
