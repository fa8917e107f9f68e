"""The JSON that the published SLM-MUX code writes for MATH, GPQA and GSM8K.

Three shapes of one question, all of them read:

- a collection of one draw: `model_response`, `extracted_answer` beside the question;
- a collection of several: `samples`, a list of such draws;
- an orchestrated run: `model_records`, one per model, each with its `calls`.

Where the text is there, it is read anew; the code's own reading of it is not used. The file names
of that code have "_" for "/", so a model's name comes from inside the file.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from slm_mux.errors import TaskDataError
from slm_mux.importing.base import Block, Facts, ImportOptions, LoggedDraw
from slm_mux.importing.kinds import bare_letters, letters, target_for
from slm_mux.importing.sources import Source
from slm_mux.importing.values import as_count, as_messages, as_settings, as_text
from slm_mux.types import Message, ProblemKind
from slm_mux.wording import counted

# For MATH, the orchestrating code puts a random whole number of this range where it read nothing.
_PLACEHOLDERS = range(-1_000_000, -10_000 + 1)


def read_reference(source: Source, options: ImportOptions) -> list[Block]:
    """Read one file of the published code.

    Raises:
        TaskDataError: a question lacks a field, or the file holds no draws.
    """
    document = source.document()
    records = responses(document)
    if not records:
        raise TaskDataError(f"{source.path}: holds no questions")
    blocks: list[Block] = []
    early = 0
    for number, record in enumerate(records):
        place = f"{source.path}: question {number}"
        if not isinstance(record, dict):
            raise TaskDataError(f"{place} is no object")
        facts = _facts(record, options, place)
        models = list(_by_model(document, record, facts, place))
        for model, draws, messages in models:
            blocks.append(
                Block(
                    facts=facts,
                    model=_model(source, options, model),
                    draws=draws,
                    where=place,
                    messages=messages,
                    settings=as_settings(
                        temperature=document.get("temperature"),
                        max_tokens=document.get("max_new_tokens"),
                    ),
                )
            )
        early += record.get("all_agree") is True and all(len(one[1]) == 1 for one in models)
    _note_losses(source, document, len(records), early)
    return blocks


def responses(document: Any) -> list[Any] | None:
    """The questions of such a file, or None when it is not of this form."""
    if not isinstance(document, dict):
        return None
    found = document.get("responses", document.get("results"))
    if not isinstance(found, list) or not found or not isinstance(found[0], dict):
        return None
    wanted = ("samples", "model_records", "model_response", "extracted_answer")
    return found if any(key in found[0] for key in wanted) else None


def _facts(record: Mapping[str, Any], options: ImportOptions, place: str) -> Facts:
    kind: ProblemKind
    choices: dict[str, str] = {}
    if "prompt" in record and "question" not in record and "problem" not in record:
        raise TaskDataError(
            f"{place} is of HumanEval or IFEval, which cannot be imported: the file lacks the "
            "tests. Import MATH, GPQA or GSM8K"
        )
    question = record.get("problem", record.get("question"))
    if not isinstance(question, str) or not question.strip():
        raise TaskDataError(f'{place}: "problem" (MATH) or "question" (GPQA, GSM8K) is missing')
    if "problem" in record:
        kind = "math"
    else:
        kind = "choice" if "choices" in record or "correct_answer" in record else "number"
    kind = options.kind or kind
    target = next(
        (
            as_text(record[key])
            for key in ("reference_answer", "correct_answer", "answer", "reference")
            if record.get(key) is not None
        ),
        None,
    )
    if kind == "choice":
        listed = record.get("choices")
        choices = letters(listed) if isinstance(listed, list) and listed else bare_letters([])
    return Facts(
        id=_id(question),
        kind=kind,
        question=question,
        target=target_for(kind, target, choices),
        choices=choices,
    )


def _id(question: str) -> str:
    """The files number nothing, and each has its own order, so the question names itself."""
    raw = question.encode("utf-8", "surrogatepass")
    return f"q-{hashlib.blake2b(raw, digest_size=6).hexdigest()}"


def _by_model(
    document: Mapping[str, Any], record: Mapping[str, Any], facts: Facts, place: str
) -> Iterator[tuple[Any, tuple[LoggedDraw, ...], tuple[Message, ...] | None]]:
    if isinstance(record.get("model_records"), list):
        for part in record["model_records"]:
            if not isinstance(part, dict) or not isinstance(part.get("calls"), list):
                raise TaskDataError(f'{place}: a model\'s record has no list "calls"')
            calls = _objects(part["calls"], place)
            prompt = as_messages(calls[0].get("prompt")) if calls else None
            drawn = tuple(_draw(call, facts, orchestrated=True) for call in calls)
            yield part.get("model_name"), drawn, prompt
        return
    samples = record.get("samples")
    drawn_from = [record] if samples is None else _objects(samples, place)
    if not drawn_from:
        raise TaskDataError(f'{place}: "samples" is empty')
    prompt = as_messages(
        [
            {"role": role, "content": record[key]}
            for role, key in (("system", "system_prompt"), ("user", "user_prompt"))
            if record.get(key)
        ]
    )
    drawn = tuple(_draw(sample, facts) for sample in drawn_from)
    yield record.get("model") or document.get("model"), drawn, prompt


def _draw(call: Mapping[str, Any], facts: Facts, *, orchestrated: bool = False) -> LoggedDraw:
    text = next(
        (
            call[key]
            for key in ("model_response", "raw_content", "response")
            if isinstance(call.get(key), str)
        ),
        None,
    )
    usage = call.get("token_usage")
    if not isinstance(usage, dict):
        usage = {"total_tokens": usage}
    if text is None:
        extracted = as_text(call.get("extracted_answer", call.get("extracted")))
        placed = orchestrated and facts.kind == "math" and _is_placeholder(extracted or "")
        blank = not (extracted or "").strip()
        return LoggedDraw(answer=None if placed or blank else extracted)
    if not text and not any(as_count(count) for count in usage.values()):
        return LoggedDraw(failure="the log has no text and no tokens for this draw")
    return LoggedDraw(
        text=text,
        prompt_tokens=as_count(usage.get("prompt_tokens")),
        completion_tokens=as_count(usage.get("completion_tokens")),
        reasoning=call.get("reasoning_content") or None,
    )


def _is_placeholder(answer: str) -> bool:
    number = answer.strip().removeprefix("-")
    return (
        answer.strip() != number
        and number.isdecimal()
        and len(number) < 8
        and -int(number) in _PLACEHOLDERS
    )


def _objects(items: Any, place: str) -> list[dict[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise TaskDataError(f"{place}: its draws are not a list of objects")
    return items


def _model(source: Source, options: ImportOptions, named: Any) -> str:
    if options.model:
        return options.model
    if isinstance(named, str) and named.strip():
        return named
    name = source.path.name.removesuffix(".gz").removesuffix(".json")
    note = f'{source.path}: names no model; called {name!r} after the file, "_" left as it is'
    if note not in source.notes:
        source.notes.append(note)
    return name


def _note_losses(source: Source, document: Mapping[str, Any], found: int, early: int) -> None:
    asked = as_count(document.get("problem_count", document.get("question_count")))
    if asked is not None and asked > found:
        source.notes.append(
            f"{source.path}: was asked {counted(asked, 'question')} and holds {found:,}; the code "
            "that wrote it drops questions whose calls fail"
        )
    if early:
        source.notes.append(
            f"{source.path}: on {counted(early, 'question')} all models agreed at once and were "
            "asked no more; such draws are not missing at random"
        )
