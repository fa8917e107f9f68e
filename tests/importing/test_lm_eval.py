"""Samples of lm-evaluation-harness."""

import json
from pathlib import Path

import pytest

from slm_mux.errors import TaskDataError
from tests.importing.files import lm_eval_row, read, texts, write_document, write_lines

DATE = "2026-01-02T03-04-05.678901"
DOC = {"question": "What is 2 + 2?"}


def folder_of(tmp_path: Path, model: str = "org/model_a") -> Path:
    folder = tmp_path / "org__model_a"
    write_document(folder / f"results_{DATE}.json", {"model_name": model, "results": {}})
    return folder


def test_repeats_are_draws_and_filters_do_not_multiply_them(tmp_path: Path) -> None:
    """A document stands once per filter in the file, and its replies are taken once."""
    rows = [
        lm_eval_row(0, DOC, "2 + 2 = 4\n#### 4", ["It is 4.", "5"], filter=name)
        for name in ("strict-match", "flexible-extract")
    ]
    path = write_lines(folder_of(tmp_path) / f"samples_gsm8k_cot_{DATE}.jsonl", rows)
    imported = read(path)
    (problem,) = imported.problems
    assert (problem.id, problem.kind, problem.target) == ("gsm8k_cot/0", "number", "4")
    assert problem.question == "What is 2 + 2?"
    assert texts(imported, "gsm8k_cot/0", "org/model_a") == ["It is 4.", "5"]
    series = imported.series[0][1]
    assert series.messages[0]["content"] == "Q: What is 2 + 2? A:"
    assert series.settings == {"temperature": 0.7, "max_tokens": 64, "stop": ["Q:"]}
    assert "the filters strict-match, flexible-extract" in imported.notes[0]
    assert "read as number: the task is called 'gsm8k_cot'" in imported.notes[1]


@pytest.mark.parametrize("mutual_information", [False, True])
def test_multiple_choice_is_the_likeliest_choice(tmp_path: Path, mutual_information: bool) -> None:
    """Without a text, the choice of the highest log-likelihood is the one draw."""
    contexts = ["Q: A fruit? A:"] + [""] * mutual_information
    requests = [(context, f" {text}") for context in contexts for text in ("stone", "apple")]
    likelihoods = [["-3.5", "False"], ["-0.25", "True"], ["-0.1", "False"], ["-0.2", "False"]]
    row = {
        "doc_id": 3,
        "doc": {"q": "A fruit?"},
        "target": "1",
        "arguments": {
            f"gen_args_{index}": {"arg_0": context, "arg_1": text}
            for index, (context, text) in enumerate(requests)
        },
        "resps": [[pair] for pair in likelihoods[: len(requests)]],
        "filtered_resps": [],
        "metrics": ["acc"],
        "acc": 1.0,
    }
    imported = read(write_lines(folder_of(tmp_path) / f"samples_fruit_{DATE}.jsonl", [row]))
    (problem,) = imported.problems
    assert (problem.kind, problem.target) == ("choice", "B")
    assert problem.choices == {"A": "stone", "B": "apple"}
    assert [(one.answer, one.key) for one in imported.readings] == [("B", None)]
    assert texts(imported, "fruit/3", "org/model_a") == ["B"]


def test_choices_of_the_document_make_a_generated_answer_a_choice(tmp_path: Path) -> None:
    """Options in the record are the choices, and an index or "(B)" as target is the label."""
    doc = {"question": "A fruit?", "choices": {"text": ["stone", "apple"], "label": ["A", "B"]}}
    rows = [lm_eval_row(0, doc, "(B)", ["B"]), lm_eval_row(1, doc, "1", ["apple"])]
    imported = read(write_lines(folder_of(tmp_path) / f"samples_fruit_{DATE}.jsonl", rows))
    assert [(one.kind, one.target) for one in imported.problems] == [("choice", "B")] * 2


@pytest.mark.parametrize(
    ("targets", "kind"),
    [
        (["12", "-3.5"], "number"),
        (["A", "(C)"], "choice"),
        (["$x^2$", "4"], "math"),
        (["blue", "4"], "text"),
    ],
)
def test_the_kind_is_guessed_from_the_targets_and_noted(
    tmp_path: Path, targets: list[str], kind: str
) -> None:
    """What was guessed stands in the notes; --kind overrules it."""
    rows = [lm_eval_row(at, DOC, target, ["x"]) for at, target in enumerate(targets)]
    path = write_lines(folder_of(tmp_path) / f"samples_own_{DATE}.jsonl", rows)
    imported = read(path)
    assert {problem.kind for problem in imported.problems} == {kind}
    assert f"answers are read as {kind}" in imported.notes[0]
    assert {problem.kind for problem in read(path, kind="text").problems} == {"text"}


def test_chat_messages_in_the_arguments_are_the_prompt(tmp_path: Path) -> None:
    """A chat template of an API model is logged as messages in JSON."""
    messages = [{"role": "system", "content": "Short."}, {"role": "user", "content": "2 + 2?"}]
    arguments = {"gen_args_0": {"arg_0": [json.dumps(messages)], "arg_1": {}}}
    row = lm_eval_row(0, DOC, "4", ["4"], arguments=arguments)
    imported = read(write_lines(folder_of(tmp_path) / f"samples_s_{DATE}.jsonl", [row]))
    assert [message["content"] for message in imported.series[0][1].messages] == [
        "Short.",
        "2 + 2?",
    ]


def test_without_results_the_folder_names_the_model_as_written(tmp_path: Path) -> None:
    """Underscores in the folder's name are not turned into slashes."""
    row = lm_eval_row(0, DOC, "4", ["4"])
    path = write_lines(tmp_path / "org__model_a" / f"samples_s_{DATE}.jsonl", [row])
    imported = read(path)
    assert imported.members == ("org__model_a",)
    assert "no results file beside it" in imported.notes[0]
    assert read(path, model="org/model_a").members == ("org/model_a",)


def test_models_that_wrote_the_same_are_two_models(tmp_path: Path) -> None:
    """Equal contents are one file only where they are of one model."""
    name, row = f"samples_s_{DATE}.jsonl", lm_eval_row(0, DOC, "4", ["4"])
    paths = [write_lines(tmp_path / folder / name, [row]) for folder in ("m1", "m2")]
    assert read(*paths).members == ("m1", "m2")
    assert read(*paths, model="m").members == ("m",)
    assert len(read(*paths, model="m").draws) == 1


def test_two_files_of_a_task_in_one_folder_need_a_model_each(tmp_path: Path) -> None:
    """A folder of files from several models is no model's name."""
    for hour in "34":
        path = tmp_path / f"samples_s_2026-01-02T0{hour}-04-05.678901.jsonl"
        write_lines(path, [lm_eval_row(0, DOC, "4", ["4"])])
    with pytest.raises(TaskDataError, match="does not say which model wrote it"):
        read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc": None}, '"doc" or "resps" has an unknown form'),
        ({"arguments": {}}, '"arguments" is missing or empty'),
        ({"resps": [["a"], ["b"]]}, "holds 2 requests for one document"),
        ({"resps": [[["-1.5", "False"]]]}, "the likelihood of one text"),
        ({"doc_id": 0, "resps": [["else"]]}, "with other replies"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    """The message starts with file and line."""
    rows = [lm_eval_row(0, DOC, "4", ["4"]), {**lm_eval_row(1, DOC, "4", ["4"]), **change}]
    path = write_lines(folder_of(tmp_path) / f"samples_s_{DATE}.jsonl", rows)
    with pytest.raises(TaskDataError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}:2: ")
    assert message in str(error.value)


def test_arguments_of_older_versions_are_read(tmp_path: Path) -> None:
    """Requests used to be lists of a prompt and its settings."""
    row = lm_eval_row(0, DOC, "4", ["4"], arguments=[["Q: 2 + 2?", {"until": "Q:"}]])
    imported = read(write_lines(folder_of(tmp_path) / f"samples_s_{DATE}.jsonl", [row]))
    series = imported.series[0][1]
    assert series.messages[0]["content"] == "Q: 2 + 2?"
    assert series.settings == {"stop": ["Q:"]}
