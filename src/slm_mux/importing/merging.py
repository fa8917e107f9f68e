"""From the blocks of all files to one `Imported`: problems that agree, draws that are numbered.

- A problem that several places describe has to be the same in all of them.
- A model's draws on a problem follow one another in the order of the files.
- A file whose content was read already brings nothing, and a draw whose own name (Inspect's uuid)
  is known brings nothing either.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.answers import make_kind
from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.importing.base import (
    Block,
    Facts,
    FormatName,
    Imported,
    ImportedReading,
    ImportOptions,
    LoggedDraw,
    Part,
)
from slm_mux.store.rows import Draw, Series
from slm_mux.types import Completion, Failure, Message, Problem
from slm_mux.wording import counted

_AGREE = ("target", "question", "split", "subject", "choices")


class _Asked(Struct):
    """One model asked one problem under one group of settings."""

    series: Series
    file: int
    where: str
    prompt: tuple[Message, ...] | None
    draws: int = 0


class Merger:
    """Collects blocks; `result` gives what they come to.

    Args:
        task: the name that the problems get in the store.
        options: the user's options.
    """

    def __init__(self, task: str, options: ImportOptions) -> None:
        self._task = task
        self._options = options
        self._facts: dict[str, tuple[Facts, str]] = {}
        self._asked: dict[tuple[str, str, str], _Asked] = {}
        self._files: dict[tuple[str, ...], Path] = {}
        self._formats: dict[FormatName, None] = {}
        self._uids: set[str] = set()
        self._draws: list[Draw] = []
        self._readings: list[ImportedReading] = []
        self._parts: list[Part] = []
        self._answered: dict[str, dict[str, None]] = {}
        self.notes: list[str] = []

    def start_from(self, problems: Iterable[Problem]) -> None:
        """Take these problems as given: files have to agree with them, and may leave things out."""
        for known in problems:
            facts = Facts(
                id=known.id,
                kind=known.kind,
                # A problem that came without a question has its id in the question's place.
                question=None if known.question == known.id else known.question,
                target=known.target,
                split=known.split,
                choices=known.choices,
                subject=known.subject,
            )
            self._facts[known.id] = (facts, "the store")

    def add(self, path: Path, sha256: str, form: FormatName, blocks: Sequence[Block]) -> None:
        """Take in one file; one of the same content brings nothing, which is noted.

        Raises:
            TaskDataError: a problem is not what an earlier place says it is, or one model was asked
                it with another prompt.
        """
        # Some logs do not name their model: equal contents may be two models that agree.
        content = (sha256, *sorted({block.model for block in blocks}))
        before = self._files.setdefault(content, path)
        if before is not path:
            self.notes.append(f"{path}: holds the same as {before}; taken once")
            return
        self._formats[form] = None
        spans: dict[str, list[tuple[str, int, int]]] = {}
        known = 0
        prompts: dict[str, int] = {}
        for block in blocks:
            self._learn(block)
            fresh = tuple(draw for draw in block.draws if draw.uid not in self._uids)
            known += len(block.draws) - len(fresh)
            self._uids.update(draw.uid for draw in fresh if draw.uid is not None)
            if not fresh:
                continue
            asked = self._series(form, block, prompts)
            try:
                digest = asked.series.digest
            except InvalidRequestError as error:
                raise TaskDataError(f"{block.where}: {error}") from error
            spans.setdefault(block.model, []).append((digest, asked.draws, len(fresh)))
            for draw in fresh:
                self._draw(digest, asked.draws, draw)
                asked.draws += 1
            self._answered.setdefault(block.model, {})[block.facts.id] = None
        self._parts += [
            Part(path=str(path), member=member, spans=tuple(runs)) for member, runs in spans.items()
        ]
        if known:
            stand = counted(known, "draw stands", "draws stand")
            self.notes.append(f"{path}: {stand} in an earlier file; taken once")
        self.notes += [
            f"{path}: {model} was asked {counted(count, 'problem')} more than once with prompts "
            "that differ; the first is kept"
            for model, count in prompts.items()
        ]

    def result(self) -> Imported:
        """What all files come to.

        Raises:
            TaskDataError: a problem's kind lacks what it needs (choices, labels).
        """
        problems = tuple(self._problem(facts, where) for facts, where in self._facts.values())
        self._note_gaps(len(problems))
        digests = "".join(sorted({content[0] for content in self._files}))
        return Imported(
            formats=tuple(self._formats),
            sha256=hashlib.sha256(digests.encode()).hexdigest(),
            problems=problems,
            series=tuple((key[0], asked.series) for key, asked in self._asked.items()),
            draws=tuple(self._draws),
            readings=tuple(self._readings),
            parts=tuple(self._parts),
            notes=tuple(self.notes),
        )

    def _learn(self, block: Block) -> None:
        new = block.facts
        if new.split is None and self._options.split is not None:
            new = replace(new, split=self._options.split)
        old, where = self._facts.setdefault(new.id, (new, block.where))
        if old is new:
            return
        if old.kind != new.kind:
            raise TaskDataError(
                f"{block.where}: the problem {new.id!r} asks for {new.kind} here and for "
                f"{old.kind} in {where}; say which with --kind"
            )
        filled: dict[str, Any] = {}
        for field in _AGREE:
            ours, theirs = getattr(old, field), getattr(new, field)
            if theirs and not ours:
                filled[field] = theirs
            elif theirs and ours != theirs:
                raise TaskDataError(
                    f"{block.where}: the {field} of the problem {new.id!r} is {_short(theirs)} "
                    f"here and {_short(ours)} in {where}; import these files into two tasks "
                    "(--task NAME), or correct the one that is wrong"
                )
        if filled:
            self._facts[new.id] = (replace(old, **filled), where)

    def _series(self, form: FormatName, block: Block, prompts: dict[str, int]) -> _Asked:
        settings = repr(sorted(block.settings.items(), key=lambda item: item[0]))
        key = (block.facts.id, block.model, settings)
        asked = self._asked.get(key)
        if asked is None:
            asked = _Asked(
                series=_series(self._task, form, block),
                file=len(self._files),
                where=block.where,
                prompt=block.messages,
            )
            self._asked[key] = asked
        elif asked.prompt and block.messages and asked.prompt != block.messages:
            if asked.file != len(self._files):
                raise TaskDataError(
                    f"{block.where}: {block.model} was asked {block.facts.id!r} with another "
                    f"prompt than in {asked.where}; import one of the files under another name "
                    "(--model NAME)"
                )
            prompts[block.model] = prompts.get(block.model, 0) + 1
        return asked

    def _draw(self, digest: str, index: int, draw: LoggedDraw) -> None:
        completion = failure = None
        if draw.failure is not None:
            failure = Failure(error="ImportedFailure", message=draw.failure)
        else:
            completion = Completion(
                text=draw.text if draw.text is not None else draw.answer or "",
                finish_reason=draw.finish_reason,
                prompt_tokens=draw.prompt_tokens,
                completion_tokens=draw.completion_tokens,
                served_model=draw.served_model,
                reasoning=draw.reasoning,
            )
            if draw.text is None:
                reading = ImportedReading(
                    series=digest,
                    draw=index,
                    answer=draw.answer,
                    key=draw.answer if draw.as_given else None,
                )
                self._readings.append(reading)
        self._draws.append(
            Draw(
                series=digest,
                draw=index,
                completion=completion,
                failure=failure,
                seconds=draw.seconds,
                collected_at=draw.collected_at,
            )
        )

    def _problem(self, facts: Facts, where: str) -> Problem:
        labels = self._options.labels if facts.kind == "label" else ()
        try:
            if facts.kind in ("choice", "label"):
                make_kind(facts.kind, choices=facts.choices, labels=labels)
        except InvalidRequestError as error:
            raise TaskDataError(
                f"{where}: the problem {facts.id!r} cannot be of the kind {facts.kind}: {error}"
            ) from error
        return Problem(
            id=facts.id,
            question=facts.question or facts.id,
            kind=facts.kind,
            target=facts.target,
            split=facts.split,
            choices=facts.choices,
            labels=labels,
            subject=facts.subject,
        )

    def _note_gaps(self, problems: int) -> None:
        self.notes += [
            f"{model} has draws on {len(answered):,} of {counted(problems, 'problem')}"
            for model, answered in self._answered.items()
            if len(answered) < problems
        ]
        settings = Counter((problem, model) for problem, model, _ in self._asked)
        self.notes += [
            f"{model} was asked the same problems with different settings, which are kept apart"
            for model in dict.fromkeys(model for (_, model), times in settings.items() if times > 1)
        ]


def _series(task: str, form: FormatName, block: Block) -> Series:
    """A series that no other problem and no other task shares.

    Logs may hold one question under two ids, and a plain table need not hold questions at all: by
    their prompts alone, draws on two problems would count as one problem's. Where the log keeps
    no prompt, the problem's id stands for it, since another file may tell the question or not.
    """
    named_only: Message = {"role": "user", "content": block.facts.id}
    messages: Sequence[Message] = block.messages or (named_only,)
    named = {**messages[-1], "imported_as": [task, block.facts.id]}
    return Series(
        member=block.model,
        identity=f"import:{form}|{block.model}",
        messages=(*messages[:-1], named),
        settings=block.settings,
        seed=None,
    )


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
