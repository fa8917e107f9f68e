"""Samples of lm-evaluation-harness: `samples_<task>_<date>.jsonl`, written with --log_samples.

One line per document and filter. Filters read the same replies differently, so the replies are
taken once, and read here. With `repeats`, a document's replies are its draws. Multiple choice by
log-likelihood has no text: the choice with the highest likelihood is its one draw.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.errors import TaskDataError
from slm_mux.importing.base import Block, Facts, ImportOptions, LoggedDraw
from slm_mux.importing.kinds import bare_letters, choices_in, guess_kind, letters, target_for
from slm_mux.importing.lm_eval_model import model_name, task_name
from slm_mux.importing.sources import Source
from slm_mux.importing.values import as_messages, as_object, as_settings, as_text
from slm_mux.types import Message, ProblemKind

_QUESTION_FIELDS = ("question", "problem", "query", "input", "prompt", "text", "goal", "q")


def read_lm_eval(source: Source, options: ImportOptions) -> list[Block]:
    """Read one file of samples.

    Raises:
        TaskDataError: a line lacks a field, two lines of a document hold different replies, the
            model's name is nowhere, or the task has no answers (perplexity, a single likelihood).
    """
    rows = _one_per_document(source)
    task = task_name(source.path)
    model = options.model or model_name(source, task)
    targets = [as_text(row.get("target")) for _, row in rows]
    guessed: tuple[ProblemKind, str] = (options.kind or "choice", "")
    has_choices = any(choices_in(row["doc"]) for _, row in rows)
    if options.kind is None and not has_choices and not _by_likelihood(rows[0][1]):
        guessed = guess_kind(task, [target for target in targets if target])
        source.notes.append(f"{source.path}: answers are read as {guessed[0]}: {guessed[1]}")
    bare = bare_letters(target for target in targets if target)
    blocks: list[Block] = []
    for (line, row), target in zip(rows, targets, strict=True):
        place = source.at(line)
        requests = _requests(row, place)
        choices: dict[str, str]
        if _by_likelihood(row):
            kind: ProblemKind = "choice"
            choices, draws = _most_likely(row, requests, place)
            target = _indexed(target, choices)
        else:
            kind = guessed[0]
            choices = (choices_in(row["doc"]) or bare) if kind == "choice" else {}
            if target not in choices.values():
                target = _indexed(target, choices)
            target = target_for(kind, target, choices)
            draws = _replies(row, place)
        prompt = _prompt(requests[0].get("arg_0"))
        blocks.append(
            Block(
                facts=Facts(
                    id=f"{task}/{row['doc_id']}",
                    kind=kind,
                    question=_question(row["doc"], prompt),
                    target=target,
                    choices=choices,
                    subject=as_text(row["doc"].get("subject")),
                ),
                model=model,
                draws=draws,
                where=place,
                messages=prompt,
                settings=_settings(as_object(requests[0].get("arg_1"))),
            )
        )
    return blocks


def _one_per_document(source: Source) -> list[tuple[int, dict[str, Any]]]:
    kept: dict[str, tuple[int, dict[str, Any]]] = {}
    filters: dict[str, None] = {}
    for line, row in source.rows():
        for field in ("doc_id", "doc", "resps"):
            if field not in row:
                raise TaskDataError(f'{source.at(line)}: "{field}" is missing')
        if not isinstance(row["doc"], dict) or not isinstance(row["resps"], list):
            raise TaskDataError(f'{source.at(line)}: "doc" or "resps" has an unknown form')
        filters.setdefault(str(row.get("filter", "none")))
        before = kept.setdefault(str(row["doc_id"]), (line, row))
        if before[1]["resps"] != row["resps"]:
            raise TaskDataError(
                f"{source.at(line)}: doc_id {row['doc_id']} stands in line {before[0]} with other "
                "replies; give each run its own file"
            )
    if len(filters) > 1:
        source.notes.append(
            f"{source.path}: replies as read by the filters {', '.join(filters)}; each reply is "
            "taken once, and read here"
        )
    return list(kept.values())


def _requests(row: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    given = row.get("arguments")
    # Older versions wrote a list of [prompt, settings] instead of named arguments.
    items = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(items, list) or not items:
        raise TaskDataError(f'{place}: "arguments" is missing or empty')
    return [
        item
        if isinstance(item, dict)
        else {f"arg_{index}": part for index, part in enumerate(item)}
        if isinstance(item, list)
        else {"arg_0": item}
        for item in items
    ]


def _by_likelihood(row: Mapping[str, Any]) -> bool:
    replies = row["resps"]
    first = replies[0] if replies else None
    return isinstance(first, list) and bool(first) and isinstance(first[0], list)


def _most_likely(
    row: Mapping[str, Any], requests: Sequence[Mapping[str, Any]], place: str
) -> tuple[dict[str, str], tuple[LoggedDraw, ...]]:
    """The choices, and the one whose continuation (or context) is the likeliest as the draw."""
    scores = [_likelihood(reply) for reply in row["resps"]]
    texts = [str(request.get("arg_1", "")) for request in requests]
    half = len(texts) // 2
    # Half of the requests without a context serve another metric (mutual information).
    if half and texts[:half] == texts[half:] and not str(requests[-1].get("arg_0", "")).strip():
        scores, texts, requests = scores[:half], texts[:half], requests[:half]
    if len(texts) < 2:
        raise TaskDataError(f"{place}: holds the likelihood of one text: no answer to vote on")
    if len(set(texts)) == 1:
        texts = [str(request.get("arg_0", "")) for request in requests]
    choices = letters(texts)
    known = [score for score in scores if score is not None]
    if len(scores) != len(choices) or len(known) != len(scores):
        return choices, (LoggedDraw(answer=None),)
    best = list(choices)[scores.index(max(known))]
    return choices, (LoggedDraw(answer=best),)


def _replies(row: Mapping[str, Any], place: str) -> tuple[LoggedDraw, ...]:
    replies = row["resps"]
    if len(replies) != 1 or not isinstance(replies[0], list) or not replies[0]:
        raise TaskDataError(
            f"{place}: holds {len(replies)} requests for one document; only one request with its "
            "repeats can be read"
        )
    texts = [as_text(reply) for reply in replies[0]]
    if any(text is None for text in texts):
        raise TaskDataError(f'{place}: a reply in "resps" is no text')
    return tuple(LoggedDraw(text=text) for text in texts)


def _indexed(target: str | None, choices: Mapping[str, str]) -> str | None:
    """The label, where a target is a choice's number from 0."""
    if target is None or target in choices or not target.isdecimal() or len(target) > 3:
        return target
    return list(choices)[int(target)] if int(target) < len(choices) else target


def _question(doc: Mapping[str, Any], prompt: Sequence[Message] | None) -> str | None:
    for field in _QUESTION_FIELDS:
        value = next((doc[key] for key in doc if key.casefold() == field), None)
        if isinstance(value, str) and value.strip():
            return str(value)
    return str(prompt[-1]["content"]) if prompt else None


def _prompt(argument: Any) -> tuple[Message, ...] | None:
    if isinstance(argument, list) and len(argument) == 1:
        argument = argument[0]
    if not isinstance(argument, str):
        return None
    # Chat templates of an API model: the messages themselves, as JSON.
    if argument.startswith("[{"):
        try:
            messages = as_messages(json.loads(argument))
        except ValueError:
            messages = None
        if messages:
            return messages
    return ({"role": "user", "content": str(argument)},)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    until = given.get("until")
    return as_settings(
        temperature=given.get("temperature"),
        top_p=given.get("top_p"),
        max_tokens=given.get("max_gen_toks", given.get("max_tokens")),
        stop=[until] if isinstance(until, str) else until,
    )


def _likelihood(reply: Any) -> float | None:
    """The log-likelihood of one request, which is written as [number as text, greedy or not]."""
    pair = reply[0] if isinstance(reply, list) and reply else None
    value = pair[0] if isinstance(pair, list) and pair else None
    if not re.fullmatch(r"-?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|inf)", str(value)):
        return None
    return float(str(value))
