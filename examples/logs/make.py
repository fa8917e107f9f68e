"""Make the logs of this folder from the recording that the package ships.

    python examples/logs/make.py [FOLDER]

The sums and equations of the demo task, 5 draws of each model. Three models' answers go into a
plain table; the completions of a fourth into the form in which lm-evaluation-harness logs samples.
"""

import gzip
import json
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pyarrow.parquet

from slm_mux.readers import Readers

KINDS = ("number", "math")
TASK = "sums"
DRAWS = 5
ELSEWHERE = "smollm2-135m"
DATE = "2026-11-21T23-08-54.000000"
PLAIN, SAMPLES, RESULTS = (
    "answers.jsonl",
    f"samples_{TASK}_{DATE}.jsonl.gz",
    f"results_{DATE}.json",
)


def recorded() -> list[dict[str, Any]]:
    """Give the recorded draws, in the order of the problems, then of the models."""
    with as_file(files("slm_mux").joinpath("recordings", "demo.parquet")) as path:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return [
        row
        for row in rows
        # What was drawn for a discussion answers its prompt, not the problem.
        if row["kind"] in KINDS and row["draw"] < DRAWS and row["method"] is None
    ]


def answer_of(row: dict[str, Any], readers: Readers) -> str | None:
    """Give what was read from a completion, as the model wrote it; None: nothing."""
    if row["given"] is not None:
        # What a program came to is recorded with it.
        given: str | None = json.loads(row["given"])["answer"]
        return given
    kind = readers.of(row["kind"])
    read = kind.read(row["text"], cut_off=row["finish_reason"] == "length")
    return None if read is None else read.text


def logged(row: dict[str, Any], number: int, replies: list[str]) -> dict[str, Any]:
    """Write one document as lm-evaluation-harness does."""
    settings = json.loads(row["settings"])
    return {
        "doc_id": number,
        "doc": {"question": row["question"], "answer": row["target"], "subject": row["subject"]},
        "target": row["target"],
        "arguments": {
            "gen_args_0": {
                "arg_0": json.loads(row["messages"])[0]["content"],
                "arg_1": {
                    "temperature": settings["temperature"],
                    "max_gen_toks": settings["max_tokens"],
                    "do_sample": True,
                },
            }
        },
        "resps": [replies],
        "filtered_resps": replies,
        "filter": "none",
    }


def main() -> None:
    """Write the three files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    rows, plain, samples = recorded(), [], []
    numbers = {problem: n for n, problem in enumerate(dict.fromkeys(r["problem"] for r in rows))}
    readers = Readers()
    for problem, number in numbers.items():
        of_problem = [row for row in rows if row["problem"] == problem]
        for model in dict.fromkeys(row["member"] for row in of_problem):
            drawn = sorted(
                (row for row in of_problem if row["member"] == model), key=lambda row: row["draw"]
            )
            first = drawn[0]
            if model == ELSEWHERE:
                samples.append(logged(first, number, [row["text"] for row in drawn]))
                continue
            line = {
                "problem": f"{TASK}/{number}",
                "model": model,
                "answers": [answer_of(row, readers) for row in drawn],
                "target": first["target"],
                "split": first["split"],
            }
            plain.append(line)
    readers.close()
    folder.joinpath(PLAIN).write_text("".join(json.dumps(line) + "\n" for line in plain))
    text = "".join(json.dumps(line) + "\n" for line in samples)
    # Without name and time, the same content makes the same bytes.
    folder.joinpath(SAMPLES).write_bytes(gzip.compress(text.encode(), mtime=0))
    results = {"model_name": ELSEWHERE, "results": {TASK: {}}, "versions": {TASK: 1}}
    folder.joinpath(RESULTS).write_text(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
