"""Logs of Inspect (inspect_ai): one JSON document, or a zip file of JSON documents (.eval).

A sample's epochs are its draws. The reply is the text of the output's first choice; reasoning stays
apart. A sample that ended with an error is a failed draw.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slm_mux.errors import TaskDataError
from slm_mux.importing.archive import Archive
from slm_mux.importing.base import Block, Facts, ImportOptions, LoggedDraw
from slm_mux.importing.inspect_text import prompt_of, question_of, split_content, with_attachments
from slm_mux.importing.kinds import bare_letters, guess_kind, letters, target_for
from slm_mux.importing.sources import Source
from slm_mux.importing.values import as_count, as_number, as_object, as_settings, as_text
from slm_mux.types import ProblemKind
from slm_mux.wording import counted

_HEADERS = ("header.json", "_journal/start.json")
_LONGEST_REASON = 500


def read_inspect(source: Source, options: ImportOptions) -> list[Block]:
    """Read one log.

    Raises:
        TaskDataError: it holds no samples, or lacks the model or a sample's id.
    """
    header, samples = _open(source)
    run = header.get("eval")
    if not isinstance(run, dict) or not isinstance(run.get("model"), str):
        raise TaskDataError(f'{source.path}: "eval" does not name the model')
    status = header.get("status", "started")
    if status != "success":
        source.notes.append(
            f"{source.path}: the log ended with the status {status!r}; what it holds was taken"
        )
    epochs: dict[str, list[dict[str, Any]]] = {}
    for sample in samples:
        if not isinstance(sample, dict) or as_text(sample.get("id")) is None:
            raise TaskDataError(f"{source.path}: a sample has no id")
        epochs.setdefault(str(sample["id"]), []).append(sample)
    if not epochs:
        raise TaskDataError(f"{source.path}: the log holds no samples (was it a header alone?)")
    dropped = sum(bool(one.get("invalidation")) for many in epochs.values() for one in many)
    if dropped:
        declared = counted(dropped, "sample that was", "samples that were")
        source.notes.append(f"{source.path}: {declared} declared invalid left out")
    task = str(run.get("task", "inspect")).rpartition("/")[2]
    kind, bare = _kind(source, options, run, task, [many[0] for many in epochs.values()])
    listed = _list(as_object(run.get("dataset")), "sample_ids")
    order = {str(one): at for at, one in enumerate(listed)}
    kept = {
        name: valid
        for name, many in sorted(epochs.items(), key=lambda item: order.get(item[0], len(order)))
        if (valid := [one for one in many if not one.get("invalidation")])
    }
    blocks = [
        _block(source, options, run, f"{task}/{name}", valid, kind, bare)
        for name, valid in kept.items()
    ]
    several = sum(
        block.facts.target is None and len(set(_targets(epochs[name][0]))) > 1
        for block, name in zip(blocks, kept, strict=True)
    )
    if several:
        source.notes.append(
            f"{source.path}: {counted(several, 'problem has', 'problems have')} several targets "
            "that differ; none of them is taken"
        )
    return blocks


def is_inspect(document: Any) -> bool:
    """Whether a JSON document is such a log."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("eval"), dict)
        and "model" in document["eval"]
        and "version" in document
    )


def _open(source: Source) -> tuple[dict[str, Any], Iterator[Any] | list[Any]]:
    if not source.content.startswith(b"PK"):
        document = source.document()
        if not is_inspect(document):
            raise TaskDataError(f"{source.path}: is no log of Inspect")
        return document, _list(document, "samples")
    archive = Archive(source)
    headers = [name for name in _HEADERS if name in archive.names]
    if not headers:
        raise TaskDataError(f"{source.path}: a zip file, but no log of Inspect (no header.json)")
    header = archive.json(headers[0])
    names = [
        name for name in archive.names if name.startswith("samples/") and name.endswith(".json")
    ]
    return as_object(header), (archive.json(name) for name in names)


def _kind(
    source: Source,
    options: ImportOptions,
    run: Mapping[str, Any],
    task: str,
    samples: Sequence[Mapping[str, Any]],
) -> tuple[ProblemKind, dict[str, str]]:
    """The kind, and the choices where the samples list none."""
    targets = [target for sample in samples for target in _targets(sample)]
    bare = bare_letters(targets)
    if options.kind is not None:
        return options.kind, bare
    if any(sample.get("choices") for sample in samples):
        return "choice", bare
    kind, reason = guess_kind(task, targets)
    if kind == "text" and any(_compares_numbers(scorer) for scorer in _list(run, "scorers")):
        kind, reason = "number", "its scorer compares numbers"
    source.notes.append(f"{source.path}: answers are read as {kind}: {reason}")
    return kind, bare


def _compares_numbers(scorer: Any) -> bool:
    return as_object(as_object(scorer).get("options")).get("numeric") is True


def _list(record: Mapping[str, Any], field: str) -> list[Any]:
    found = record.get(field)
    return found if isinstance(found, list) else []


def _targets(sample: Mapping[str, Any]) -> list[str]:
    target = sample.get("target")
    items = target if isinstance(target, list) else [target]
    return [text for item in items if (text := as_text(item)) and text.strip()]


def _block(
    source: Source,
    options: ImportOptions,
    run: Mapping[str, Any],
    problem: str,
    samples: Sequence[dict[str, Any]],
    kind: ProblemKind,
    bare: dict[str, str],
) -> Block:
    ordered = sorted(samples, key=lambda sample: as_number(sample.get("epoch")) or 0)
    first = with_attachments(ordered[0])
    listed = first.get("choices")
    choices: dict[str, str] = {}
    if kind == "choice":
        choices = letters(listed) if isinstance(listed, list) and listed else bare
    targets = {target_for(kind, target, choices) for target in _targets(first)}
    subject = as_object(first.get("metadata")).get("subject")
    config = as_object(run.get("model_generate_config"))
    return Block(
        facts=Facts(
            id=problem,
            kind=kind,
            question=question_of(first.get("input")),
            target=targets.pop() if len(targets) == 1 else None,
            choices=choices,
            subject=subject if isinstance(subject, str) else None,
        ),
        model=options.model or str(run["model"]),
        draws=tuple(_draw(with_attachments(sample)) for sample in ordered),
        where=f"{source.path}: sample {ordered[0]['id']}",
        messages=prompt_of(first),
        settings=as_settings(
            temperature=config.get("temperature"),
            top_p=config.get("top_p"),
            max_tokens=config.get("max_tokens"),
            stop=config.get("stop_seqs"),
        ),
    )


def _draw(sample: Mapping[str, Any]) -> LoggedDraw:
    output = as_object(sample.get("output"))
    uid = as_text(sample.get("uuid"))
    when = as_text(sample.get("completed_at"))
    collected = when[:19] + "Z" if when and when.endswith(("+00:00", "Z")) else None
    seconds = float(as_number(output.get("time")) or as_number(sample.get("total_time")) or 0.0)
    error = sample.get("error")
    choices = output.get("choices")
    if error or not isinstance(choices, list) or not choices:
        reason = error.get("message") if isinstance(error, dict) else error
        reason = as_text(reason) or as_text(output.get("error")) or "the log has no output"
        return LoggedDraw(
            failure=reason[:_LONGEST_REASON], seconds=seconds, collected_at=collected, uid=uid
        )
    choice = as_object(choices[0])
    text, reasoning = split_content(as_object(choice.get("message")).get("content"))
    stop = as_text(choice.get("stop_reason"))
    usage = as_object(output.get("usage"))
    return LoggedDraw(
        text=text,
        reasoning=reasoning,
        finish_reason="length" if stop in ("max_tokens", "model_length") else stop,
        prompt_tokens=as_count(usage.get("input_tokens")),
        completion_tokens=as_count(usage.get("output_tokens")),
        served_model=as_text(output.get("model")),
        seconds=seconds,
        collected_at=collected,
        uid=uid,
    )
