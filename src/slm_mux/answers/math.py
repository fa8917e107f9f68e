r"""Mathematical answers: numbers, expressions, equations, sets, intervals, vectors, words.

Which part of a completion is the answer, in this order; the last of its sort each time:

1. the last complete `\boxed{…}`, as a list with those before it that only a comma, "and" or "or"
   parts from it (`x = \boxed{1}` or `x = \boxed{2}`), where they differ;
2. the last "#### …", then the last "the answer is …": the formula in it where it holds just one,
   else the whole, unless that is prose of more than `MOST_WORDS` words;
3. the last formula (between dollar signs, `\(…\)`, `\[…\]`) of the last line, and of it what stands
   after the last equals sign where the left side is no single name;
4. the whole last line, where it is mathematics or no more than two words.

A completion that was cut off is read by 1 and 2 only, and only where the answer is complete.

The key is made by `slm_mux.answers.latex` and `keys`, and for what is neither rational nor text by
`expressions` in worker processes. It is a pure function of the text, but for the wall limit, whose
hits are counted and marked as provisional. An answer beyond any limit, or not in the grammar, has
its normalised text as key.
"""

import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from slm_mux.answers.keys import Plan, plan, text_key
from slm_mux.answers.latex import LONGEST, consecutive, means_something, normalise
from slm_mux.answers.locate import boxed, last_line, marked, without_reasoning
from slm_mux.answers.nodes import FUNCTIONS, UnparsableError
from slm_mux.answers.workers import ClosedError, NoResultError, Workers
from slm_mux.provisional import mark_provisional, watching
from slm_mux.types import Answer, KindName

if TYPE_CHECKING:
    from slm_mux.answers.nodes import Node

MOST_WORDS = 5
"""Of an answer that is neither in a box nor a formula; more is prose."""
_REMEMBERED = 4_096

_INSIDE = r"(?:[^\\]|\\\\\[?|\\[^()\[\]\\])+"
_FORMULA = re.compile(
    r"\$\$(?P<a>[^$]+)\$\$|(?<!\\)\$(?P<b>(?:[^$\\]|\\.)+)\$"
    rf"|(?<!\\)\\\((?P<c>{_INSIDE})\\\)|(?<!\\)\\\[(?P<d>{_INSIDE})\\\]",
    re.DOTALL,
)
_JOINS = re.compile(
    r"\}[\s$\\()\[\]]*(?:,|;|\band\b|\bor\b|\\text\{\s*,?\s*(?:and|or)\s*\})\s*(?:and\b|or\b)?"
    r"[\s$\\()\[\]]*(?:[a-z]\s*=\s*)?\\(?:boxed|fbox)\s*\{\s*"
)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_TEXT = re.compile(r"\\[a-z]+\s*\{[A-Za-z ,.*]*\}")
_SINGLE_NAME = re.compile(r"\s*\\?[A-Za-z]+'?(?:_\{?\w+\}?)?\s*(?:\([a-z]\))?\s*\Z")


class MathStatistics(Struct, frozen=True, kw_only=True):
    """How the keys were found, one count for each text that was asked about."""

    settled_by_normaliser: int = 0
    """Without the workers."""
    settled_by_workers: int = 0
    """With them, whether or not they found a form."""
    kept_as_text: int = 0
    """Of both: words, what the grammar does not have, what is too large or has no value."""
    wall_limit_hits: int = 0
    """Calls ended by the wall limit; their answers were kept as text."""
    worker_failures: int = 0
    """Calls that ran out of memory or the like; their answers were kept as text."""

    @property
    def normaliser_share(self) -> float:
        """Share of the texts settled without the workers, in [0, 1]; 1 when there were none."""
        total = self.settled_by_normaliser + self.settled_by_workers
        return self.settled_by_normaliser / total if total else 1.0


class _Settled(Struct, frozen=True):
    key: str | None
    by_workers: bool = False
    as_text: bool = False
    provisional: bool = False


class MathKind:
    """Answers in mathematical notation.

    Args:
        workers: where expressions are brought into canonical form; its own by default, which start
            with the first expression that needs them.
    """

    name: KindName = "math"
    may_block: Final = True

    def __init__(self, workers: Workers | None = None) -> None:
        self._workers = Workers(_warm_up) if workers is None else workers
        self._lock = threading.Lock()
        self._remembered: OrderedDict[str, _Settled] = OrderedDict()
        self._by_normaliser = self._as_text = self._by_workers = 0

    def instruction(self) -> str:
        """Ask for steps and one box at the end."""
        return (
            "Think step by step. Then write the final answer, and nothing else, "
            "in \\boxed{} on the last line."
        )

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the answer out of a completion; see the module for the rule."""
        text = without_reasoning(text)
        if (answer := self._read_boxes(text)) is not None:
            return answer
        marks = [mark for mark in marked(text) if mark.complete or not cut_off]
        for hashed in (True, False):
            for mark in reversed(marks):
                if (mark.marker == "hash") == hashed:
                    answer = self._read_mark(mark.line if hashed else mark.text)
                    if answer is not None:
                        return answer
        return None if cut_off else self._read_last_line(text)

    def canonical(self, answer: str) -> str | None:
        """Give the key of an answer that stands alone; None when no letter or digit is in it."""
        return self._settled(answer).key

    def statistics(self) -> MathStatistics:
        """How keys were found since this object was made."""
        workers = self._workers.statistics()
        with self._lock:
            return MathStatistics(
                settled_by_normaliser=self._by_normaliser,
                kept_as_text=self._as_text,
                settled_by_workers=self._by_workers,
                wall_limit_hits=workers.wall_limit_hits,
                worker_failures=workers.failures,
            )

    def close(self) -> None:
        """End the worker processes; reading again starts them anew."""
        self._workers.close()

    def _settled(self, answer: str) -> _Settled:
        text = normalise(answer)
        with self._lock:
            settled = self._remembered.get(text)
        if settled is None:
            try:
                settled = self._settle(text)
            except ClosedError:
                mark_provisional()
                return _Settled(text_key(text), as_text=True)
        with self._lock:
            if len(text) <= LONGEST:
                self._remembered[text] = settled
                self._remembered.move_to_end(text)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
            if settled.provisional:
                mark_provisional()
            if settled.key is not None:
                self._by_workers += settled.by_workers
                self._by_normaliser += not settled.by_workers
                self._as_text += settled.as_text
        return settled

    def _settle(self, text: str) -> _Settled:
        if not means_something(text):
            return _Settled(None)
        try:
            planned = plan(text)
            if isinstance(planned, str):
                return _Settled(planned)
            if not planned.expressions:
                return _Settled(planned.key({}))
        except (UnparsableError, RecursionError):
            # The depth is bounded, but the caller's stack may be deep already.
            return _Settled(text_key(text), as_text=True)
        with watching() as watch:
            key = self._settle_in_workers(planned)
            if key is not None and key != text and key.endswith("=0"):
                # `2x = x` is the equation `x = 0`, and that is the value 0.
                key = self._settle(key).key
        return _Settled(
            key or text_key(text),
            by_workers=True,
            as_text=key is None,
            provisional=watch.provisional,
        )

    def _settle_in_workers(self, planned: Plan) -> str | None:
        try:
            forms = self._workers.call(_canonical_forms, planned.expressions)
        except ClosedError:
            raise
        except NoResultError:
            return None
        known = {
            node: form
            for node, form in zip(planned.expressions, forms, strict=True)
            if form is not None
        }
        return planned.key(known) if len(known) == len(forms) else None

    def _read_boxes(self, text: str) -> Answer | None:
        boxes = [box for box in boxed(text) if box.complete]
        answer: Answer | None = None
        while boxes and answer is None:
            last = boxes.pop()
            answer = self._answer(last.text)
        if answer is None:
            return None
        listed, keys = [last.text], {answer.key}
        while boxes and _JOINS.fullmatch(text, boxes[-1].end, last.start):
            last = boxes.pop()
            before = self._answer(last.text)
            if before is not None and before.key not in keys:
                listed.insert(0, last.text)
                keys.add(before.key)
        return answer if len(listed) == 1 else self._answer(", ".join(listed))

    def _read_mark(self, piece: str) -> Answer | None:
        """Read what a marker points at: its only formula, or all of it."""
        if "\\boxed" in piece or piece.count("{") != piece.count("}"):
            return None
        formulas = _formulas(piece)
        if len(formulas) == 1:
            return self._answer(formulas[0])
        return self._answer(piece.strip()) if len(piece.split()) <= MOST_WORDS else None

    def _read_last_line(self, text: str) -> Answer | None:
        closing = text.rstrip()
        line = last_line(text)
        if closing.endswith(("\\]", "$$")):
            opening = closing.rfind("\\[" if closing.endswith("\\]") else "$$", 0, len(closing) - 2)
            line = closing[opening:] if opening >= 0 else line
        if "\\boxed" in line:
            # A box without an end or without content: half an answer.
            return None
        formulas = _formulas(line)
        if formulas:
            return self._answer(_after_equals(formulas[-1]))
        words = len(line.split())
        if words > MOST_WORDS or (words > 2 and self._settled(line).as_text):
            return None
        return self._answer(line)

    def _answer(self, written: str) -> Answer | None:
        key = self.canonical(written)
        return None if key is None else Answer(text=written, key=key)


def _formulas(text: str) -> list[str]:
    """Find the formulas between signs that enclose them; words between two prices are none."""
    found = (
        match["a"] or match["b"] or match["c"] or match["d"] for match in _FORMULA.finditer(text)
    )
    return [
        formula.strip()
        for formula in found
        if formula.strip() and not any(map(_is_prose, _WORD.findall(_TEXT.sub("", formula))))
    ]


def _is_prose(word: str) -> bool:
    return word not in FUNCTIONS and not consecutive(word)


def _after_equals(formula: str) -> str:
    """Give the result of a computation such as `2 + 3 = 5`; an equation for a name stays whole."""
    left, equals, right = formula.rpartition("=")
    if not equals or _SINGLE_NAME.match(left) or not right.strip():
        return formula
    return right.strip() if not left.endswith(("<", ">", "!", "\\")) else formula


def _warm_up() -> None:
    from slm_mux.answers.expressions import warm_up

    warm_up()


def _canonical_forms(nodes: "tuple[Node, ...]") -> list[str | None]:
    # Only workers import sympy.
    from slm_mux.answers.expressions import canonical_forms

    return canonical_forms(nodes)
