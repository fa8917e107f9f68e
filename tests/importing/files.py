"""Small logs in the shape of each format, written by hand."""

import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slm_mux.importing import Imported, ImportOptions, read_import

JsonObject = dict[str, Any]


def write_lines(path: Path, rows: Sequence[JsonObject | str]) -> Path:
    """One JSON object a line; a text is written as it stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_document(path: Path, document: JsonObject) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def read(*paths: Path, task: str = "t", form: str = "auto", **options: Any) -> Imported:
    return read_import(paths, task=task, format=form, options=ImportOptions(**options))


def texts(imported: Imported, problem: str, member: str) -> list[str | None]:
    """The texts of one model's draws on one problem, None for a failed one."""
    digests = [
        series.digest
        for name, series in imported.series
        if name == problem and series.member == member
    ]
    found = [draw for draw in imported.draws if draw.series in digests]
    assert [draw.draw for draw in found] == list(range(len(found)))
    return [None if draw.completion is None else draw.completion.text for draw in found]


def lm_eval_row(
    doc_id: int, doc: JsonObject, target: str, replies: list[str], **more: Any
) -> JsonObject:
    row: JsonObject = {
        "doc_id": doc_id,
        "doc": doc,
        "target": target,
        "arguments": {
            "gen_args_0": {
                "arg_0": f"Q: {doc['question']} A:",
                "arg_1": {"until": ["Q:"], "temperature": 0.7, "max_gen_toks": 64},
            }
        },
        "resps": [replies],
        "filtered_resps": [replies[0]],
        "filter": "none",
        "metrics": ["exact_match"],
        "exact_match": 1.0,
    }
    return {**row, **more}


def inspect_sample(name: int | str, epoch: int, reply: str | None, **more: Any) -> JsonObject:
    sample: JsonObject = {
        "id": name,
        "epoch": epoch,
        "input": f"What is 2 + {name}?",
        "target": "4",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"What is 2 + {name}?", "source": "input"},
        ],
        "output": {"model": "served", "choices": [], "completion": ""},
        "scores": {},
        "uuid": f"{name}-{epoch}",
        "completed_at": "2026-01-02T03:04:05.678900+00:00",
        "attachments": {},
    }
    if reply is not None:
        sample["output"] = {
            "model": "served",
            "choices": [
                {"message": {"role": "assistant", "content": reply}, "stop_reason": "stop"}
            ],
            "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
            "time": 0.5,
        }
        sample["scores"] = {"match": {"value": "C" if reply == "4" else "I", "answer": reply}}
    return {**sample, **more}


def inspect_header(model: str = "org/model_a", **more: Any) -> JsonObject:
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "task": "own/sums",
            "model": model,
            "model_generate_config": {"temperature": 0.5, "max_tokens": 64},
            "dataset": {"sample_ids": ["s1", 2]},
        },
        **more,
    }


def zip_of(members: dict[str, JsonObject], *, zstandard: bool) -> bytes:
    """A zip file as Inspect writes it; `zipfile` cannot pack with zstandard."""
    import pyarrow

    body, directory = b"", b""
    for name, content in members.items():
        raw = json.dumps(content).encode()
        packed = pyarrow.compress(raw, "zstd", asbytes=True) if zstandard else raw
        method = 93 if zstandard else 0
        fields = (method, 0, 33, zlib.crc32(raw), len(packed), len(raw), len(name), 0)
        local = struct.pack("<4sHHHHHLLLHH", b"PK\3\4", 20, 0, *fields)
        directory += struct.pack("<4sHHHHHHLLLHH", b"PK\1\2", 20, 20, 0, *fields)
        directory += struct.pack("<HHHLL", 0, 0, 0, 0, len(body)) + name.encode()
        body += local + name.encode() + packed
    end = (0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + struct.pack("<4sHHHHLLH", b"PK\5\6", *end)
