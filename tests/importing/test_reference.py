"""The JSON of the published SLM-MUX code."""

from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import TaskDataError
from tests.importing.files import read, texts, write_document

GSM8K = {
    "model": "org/model_a-7B",
    "temperature": 0.3,
    "max_new_tokens": 512,
    "accuracy": 1.0,
    "responses": [
        {
            "model": "org/model_a-7B",
            "question": "How many eggs are left?",
            "reference_answer": "1,234",
            "model_response": "So #### 1,234",
            "extracted_answer": "234",
            "is_correct": False,
            "token_usage": 40,
        }
    ],
}


def math_run(calls: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "strategy": "x",
        "problem_count": 3,
        "temperature": 0.5,
        "results": [
            {
                "problem": "Halve one.",
                "reference_answer": "Half of it is $\\boxed{\\frac{1}{2}}$.",
                "all_agree": False,
                "model_records": [{"model_name": "org/m_1", "calls": calls}],
                **more,
            }
        ],
    }


def test_gsm8k_is_read_anew_from_its_texts(tmp_path: Path) -> None:
    """Texts become completions, the code's own (wrong) reading and verdict are not used."""
    imported = read(write_document(tmp_path / "org_model_a-7B.json", GSM8K))
    (problem,) = imported.problems
    assert (problem.kind, problem.target) == ("number", "1,234")
    assert imported.members == ("org/model_a-7B",)
    assert texts(imported, problem.id, "org/model_a-7B") == ["So #### 1,234"]
    assert imported.readings == ()
    assert imported.series[0][1].settings == {"temperature": 0.3, "max_tokens": 512}


def test_gpqa_samples_are_draws_and_choices_keep_their_letters(tmp_path: Path) -> None:
    """A list of samples is k draws; an answer without a text is a reading; "" is unreadable."""
    document = {
        "model": "m",
        "responses": [
            {
                "question": "Which?",
                "choices": ["A) tea", "B) ink"],
                "correct_answer": "B",
                "system_prompt": "Think.",
                "user_prompt": "Which? A) tea B) ink",
                "samples": [
                    {
                        "round": 1,
                        "model_response": "##Answer: B##",
                        "token_usage": {
                            "prompt_tokens": 9,
                            "completion_tokens": 4,
                            "total_tokens": 13,
                        },
                    },
                    {"round": 2, "extracted_answer": "A"},
                    {"round": 3, "extracted_answer": ""},
                    {"round": 4, "model_response": "", "token_usage": {"total_tokens": 0}},
                    {"round": 5, "model_response": "", "token_usage": {"total_tokens": 12}},
                ],
            }
        ],
    }
    imported = read(write_document(tmp_path / "m.json", document))
    (problem,) = imported.problems
    assert (problem.kind, problem.target) == ("choice", "B")
    assert problem.choices == {"A": "tea", "B": "ink"}
    assert texts(imported, problem.id, "m") == ["##Answer: B##", "A", "", None, ""]
    assert [(one.draw, one.answer, one.key) for one in imported.readings] == [
        (1, "A", None),
        (2, None, None),
    ]
    first = imported.draws[0].completion
    assert first is not None
    assert (first.prompt_tokens, first.completion_tokens) == (9, 4)
    messages = imported.series[0][1].messages
    assert [message["role"] for message in messages] == ["system", "user"]


def test_an_orchestrated_run_gives_each_models_calls(tmp_path: Path) -> None:
    """A MATH target is the solution's box; placeholders are unreadable; losses are noted."""
    calls = [
        {"round": 1, "raw_content": "\\boxed{0.5}", "extracted_answer": "\\frac{1}{2}"},
        {"round": 2, "raw_content": "No idea.", "extracted_answer": "-734512"},
        {"round": 3, "extracted_answer": "-734512"},
        {"round": 4, "extracted_answer": "-5"},
    ]
    imported = read(write_document(tmp_path / "run.json", math_run(calls)))
    (problem,) = imported.problems
    assert (problem.kind, problem.target) == ("math", "\\frac{1}{2}")
    assert texts(imported, problem.id, "org/m_1") == ["\\boxed{0.5}", "No idea.", "", "-5"]
    assert [one.answer for one in imported.readings] == [None, "-5"]
    assert "was asked 3 questions and holds 1" in imported.notes[0]


def test_questions_that_ended_early_are_noted(tmp_path: Path) -> None:
    """Where all models agreed at once, the code stopped asking."""
    document = math_run([{"raw_content": "\\boxed{1}"}], all_agree=True)
    notes = read(write_document(tmp_path / "run.json", document)).notes
    assert any("on 1 question all models agreed at once" in note for note in notes)


def test_a_file_without_a_model_keeps_its_name_as_written(tmp_path: Path) -> None:
    """The underscores of a file name stay underscores."""
    document = {"responses": [{**GSM8K["responses"][0], "model": None}]}  # type: ignore[index]
    imported = read(write_document(tmp_path / "org_model_a.json", document))
    assert imported.members == ("org_model_a",)
    assert "names no model" in imported.notes[0]


def test_runs_of_one_model_follow_one_another(tmp_path: Path) -> None:
    """Two files of one draw are two draws; the question's place in a file does not matter."""
    first = dict(GSM8K["responses"][0])  # type: ignore[index]
    other = {**first, "question": "Two?", "reference_answer": "2"}
    one = {**GSM8K, "responses": [first, other]}
    two = {**GSM8K, "responses": [other, {**first, "model_response": "#### 5"}]}
    imported = read(
        write_document(tmp_path / "1.json", one), write_document(tmp_path / "2.json", two)
    )
    assert len(imported.problems) == 2
    assert texts(imported, imported.problems[0].id, "org/model_a-7B") == ["So #### 1,234", "#### 5"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"prompt": "def f():", "samples": []}, "HumanEval or IFEval"),
        ({"samples": [{}]}, '"problem" (MATH) or "question" (GPQA, GSM8K) is missing'),
        ({"question": "Q?", "samples": []}, '"samples" is empty'),
        ({"question": "Q?", "samples": [1]}, "not a list of objects"),
        ({"question": "Q?", "model_records": [{}]}, 'no list "calls"'),
    ],
)
def test_a_question_that_lacks_something_is_named(
    tmp_path: Path, record: dict[str, Any], message: str
) -> None:
    """The message names the file and the question's place in it."""
    path = write_document(tmp_path / "m.json", {"model": "m", "responses": [record]})
    with pytest.raises(TaskDataError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: question 0")
    assert message in str(error.value)
