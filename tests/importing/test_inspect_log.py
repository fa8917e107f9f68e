"""Logs of Inspect."""

from pathlib import Path

import pytest

from slm_mux.errors import TaskDataError
from tests.importing.files import (
    inspect_header,
    inspect_sample,
    read,
    texts,
    write_document,
    zip_of,
)

SAMPLES = [
    inspect_sample(2, 2, "4"),
    inspect_sample(2, 1, "5"),
    inspect_sample("s1", 1, "four"),
    inspect_sample("s1", 2, None, error={"message": "lost", "traceback": "..."}),
]


def write_eval(path: Path, samples: list[dict[str, object]], *, zstandard: bool) -> Path:
    members = {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in samples}
    path.write_bytes(zip_of({**members, "header.json": inspect_header()}, zstandard=zstandard))
    return path


@pytest.mark.parametrize("form", ["json", "stored", "zstandard"])
def test_epochs_are_draws_in_every_form_of_a_log(tmp_path: Path, form: str) -> None:
    """Problems come in the data's order, draws in that of the epochs, errors are failed draws."""
    if form == "json":
        document = inspect_header(samples=SAMPLES)
        imported = read(write_document(tmp_path / "log.json", document))
    else:
        path = tmp_path / "log.eval"
        imported = read(write_eval(path, SAMPLES, zstandard=form == "zstandard"))
    assert [problem.id for problem in imported.problems] == ["sums/s1", "sums/2"]
    assert {problem.kind for problem in imported.problems} == {"number"}
    assert texts(imported, "sums/2", "org/model_a") == ["5", "4"]
    assert texts(imported, "sums/s1", "org/model_a") == ["four", None]
    first, failed = imported.draws[:2]
    assert failed.failure is not None
    assert failed.failure.message == "lost"
    assert first.completion is not None
    assert (first.completion.prompt_tokens, first.completion.completion_tokens) == (7, 3)
    assert (first.seconds, first.collected_at) == (0.5, "2026-01-02T03:04:05Z")
    series = imported.series[0][1]
    assert series.settings == {"temperature": 0.5, "max_tokens": 64}
    assert [message["role"] for message in series.messages] == ["system", "user"]


def test_a_choice_has_its_labels_and_attachments_are_put_back(tmp_path: Path) -> None:
    """Long texts that the log stores apart are read as what they stand for."""
    name = "0123456789abcdef0123456789abcdef"
    sample = inspect_sample(
        1,
        1,
        f"attachment://{name}",
        choices=["stone", "apple"],
        target="B",
        attachments={name: "The answer is B"},
    )
    document = inspect_header(samples=[sample])
    imported = read(write_document(tmp_path / "log.json", document))
    (problem,) = imported.problems
    assert (problem.kind, problem.target) == ("choice", "B")
    assert problem.choices == {"A": "stone", "B": "apple"}
    assert texts(imported, "sums/1", "org/model_a") == ["The answer is B"]


def test_reasoning_stays_apart_and_the_token_limit_is_known(tmp_path: Path) -> None:
    """Contents in pieces are joined; max_tokens is the finish reason length."""
    pieces = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "It is"}]
    sample = inspect_sample(1, 1, "x")
    sample["output"]["choices"] = [
        {"message": {"role": "assistant", "content": pieces}, "stop_reason": "max_tokens"}
    ]
    imported = read(write_document(tmp_path / "log.json", inspect_header(samples=[sample])))
    completion = imported.draws[0].completion
    assert completion is not None
    assert (completion.text, completion.reasoning) == ("It is", "Hm.")
    assert completion.cut_off


def test_several_different_targets_leave_a_problem_unscored(tmp_path: Path) -> None:
    """A right answer must not count as wrong because another target was taken."""
    samples = [
        inspect_sample(1, 1, "4", target=["4", "5"]),
        inspect_sample(2, 1, "4", target=["4"]),
    ]
    imported = read(write_document(tmp_path / "log.json", inspect_header(samples=samples)))
    assert {one.id: one.target for one in imported.problems} == {"sums/1": None, "sums/2": "4"}
    assert any("several targets that differ" in note for note in imported.notes)


def test_the_same_sample_in_two_logs_is_one_draw(tmp_path: Path) -> None:
    """A retried or converted log repeats samples; their uuid tells."""
    one = write_document(tmp_path / "log.json", inspect_header(samples=SAMPLES[:2]))
    two = write_eval(tmp_path / "log.eval", SAMPLES, zstandard=True)
    imported = read(one, two)
    assert texts(imported, "sums/2", "org/model_a") == ["5", "4"]
    assert any("2 draws stand in an earlier file" in note for note in imported.notes)


def test_a_log_that_did_not_end_well_is_taken_as_far_as_it_goes(tmp_path: Path) -> None:
    """Its status is noted, invalid samples are left out."""
    samples = [inspect_sample(1, 1, "4"), inspect_sample(1, 2, "5", invalidation={"author": "a"})]
    document = inspect_header(samples=samples, status="cancelled")
    imported = read(write_document(tmp_path / "log.json", document))
    assert texts(imported, "sums/1", "org/model_a") == ["4"]
    assert "the status 'cancelled'" in imported.notes[0]
    assert "1 sample that was declared invalid" in imported.notes[1]


def test_damaged_and_empty_logs_are_refused(tmp_path: Path) -> None:
    """A header alone, a cut file, and a member with a wrong checksum say so."""
    with pytest.raises(TaskDataError, match="holds no samples"):
        read(write_document(tmp_path / "log.json", inspect_header()))
    path = write_eval(tmp_path / "log.eval", SAMPLES, zstandard=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TaskDataError, match="not a whole zip file"):
        read(path)
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 255]) + whole[61:])
    with pytest.raises(TaskDataError, match="cannot be unpacked"):
        read(path)
