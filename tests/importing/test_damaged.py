"""Damaged logs: every mistake is one of ours, with the file's name."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slm_mux.errors import SlmMuxError
from tests.importing.files import inspect_header, inspect_sample, lm_eval_row, read

CALL = {"raw_content": "x", "prompt": [{"role": "user", "content": "c"}], "token_usage": {"a": 1}}
SAMPLE = {"model_response": "B", "token_usage": {"total_tokens": 3}}
PROBLEM = {"problem": "P", "reference_answer": "\\boxed{1}"}
QUESTION = {"question": "Q", "choices": ["A) a", "B) b"], "correct_answer": "B"}
REQUESTS = {f"gen_args_{at}": {"arg_0": "Q", "arg_1": text} for at, text in enumerate("ab")}

LOGS: dict[str, Any] = {
    "plain": [{"problem": "q", "model": "m", "answers": ["A", None, 3], "target": "A"}],
    "lm-eval": [
        lm_eval_row(0, {"question": "2?", "choices": ["a", "b"]}, "4", ["4", "5"]),
        {
            "doc_id": 3,
            "doc": {"q": "A fruit?"},
            "target": "1",
            "arguments": REQUESTS,
            "resps": [[["-3.5", "False"]], [["-1", "True"]]],
            "metrics": ["acc"],
            "acc": 1.0,
        },
    ],
    "reference": {
        "model": "m",
        "responses": [
            {**QUESTION, "samples": [SAMPLE, {"extracted_answer": "A"}]},
            {**PROBLEM, "model_records": [{"model_name": "m", "calls": [CALL]}]},
        ],
    },
    "inspect": inspect_header(samples=[inspect_sample(1, 1, "4"), inspect_sample(1, 2, None)]),
}
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    "",
    " ",
    "x",
    [],
    [None],
    [[]],
    {},
    {"a": 1},
    10**30,
]


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*place, index))


@pytest.mark.parametrize("form", LOGS)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
@given(data=st.data())
def test_a_log_with_junk_in_it_is_read_or_refused(
    tmp_path: Path, form: str, data: st.DataObject
) -> None:
    """Whatever stands in a field's place, the outcome is an import or an error of this package."""
    log = {"log": copy.deepcopy(LOGS[form])}
    place = data.draw(st.sampled_from([one for one in places(log) if len(one) > 1]))
    parent: Any = log
    for key in place[:-1]:
        parent = parent[key]
    if isinstance(parent, dict) and data.draw(st.booleans()):
        del parent[place[-1]]
    else:
        parent[place[-1]] = data.draw(st.sampled_from(JUNK))
    rows = log["log"] if isinstance(log["log"], list) else [log["log"]]
    path = tmp_path / "log"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    model = "m" if form == "lm-eval" else None
    for asked in ("auto", form):
        mistake: SlmMuxError | None = None
        try:
            imported = read(path, form=asked, model=model)
            one_end = [
                (draw.completion is None) != (draw.failure is None) for draw in imported.draws
            ]
            assert all(one_end)
        except SlmMuxError as error:
            mistake = error
        assert mistake is None or str(mistake).startswith(str(path))
