r"""Is an answer right? A verdict is a pure function of the answer and the problem.

Every answer kind: an answer is right when its key is the target's. For two kinds an answer with
another key gets a second chance:

- maths: math-verify compares the texts in worker processes, with either side as the reference,
  since it takes "1<x<2" for "(1,2)" in one direction only; either direction counts. It rounds to
  six decimals, takes 50\% for 0.5 as well as for 50, and does not tell a tuple from a set.
  What it could not compare in reasonable time is not given to it: that is right by its key or not
  at all. So is what hits the workers' limits; the hits are counted;
- code: the hidden tests decide alone, by way of the grader that the scorer was given. A program
  that ran out of wall time is wrong; that too is counted and not remembered.

A target that cannot be read makes the problem unscored (None), never the answer wrong.
"""

import hashlib
import math
import threading
from collections.abc import Callable, MutableMapping, Sequence
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct, structs

from slm_mux.answers import make_kind
from slm_mux.answers.latex import normalise
from slm_mux.answers.math import MathKind
from slm_mux.answers.nodes import Apply, Node, Number, UnparsableError, variables
from slm_mux.answers.sizes import bits
from slm_mux.answers.syntax import parse
from slm_mux.answers.workers import ClosedError, NoResultError, Workers
from slm_mux.provisional import watching
from slm_mux.readers import code_that_reads
from slm_mux.types import Answer, Problem

if TYPE_CHECKING:
    from slm_mux.answers.base import AnswerKind

VERSION = 1
"""Raised with every change that can change a verdict."""
LONGEST = 500
"""Characters of a text that math-verify is asked about."""
MOST_BITS = 20_000
"""Of the largest number that evaluating such a text may need."""
HIGHEST_POWER = 40
"""Of a sum with variables in such a text."""
_MOST_POWERS_UNREAD = 3

Grader = Callable[[Problem, str], bool | None]
"""Runs a program against a problem's hidden tests; None: the problem has none. Thread-safe."""


class ScorerStatistics(Struct, frozen=True, kw_only=True):
    """How verdicts were found, one count for each distinct answer that was asked about."""

    by_key: int = 0
    """The key is the target's, or equal keys are all that counts for the kind."""
    by_math_verify: int = 0
    refused: int = 0
    """Too long or too large for math-verify, and so wrong."""
    limit_hits: int = 0
    """Calls that the workers' limits, and programs that a limit by wall time, ended; counted as
    wrong, and not among those that `known` remembers."""
    by_tests: int = 0


class Scorer:
    """Scores answers; one for a whole evaluation, shared between threads.

    Args:
        grade: for problems of the kind code; without it they are unscored.
        workers: where math-verify runs; its own by default, started when first needed.
    """

    def __init__(self, *, grade: Grader | None = None, workers: Workers | None = None) -> None:
        self._grade = grade
        self._workers = Workers(_warm_up) if workers is None else workers
        self._math = MathKind()
        self._lock = threading.Lock()
        self._statistics = ScorerStatistics()

    @property
    def fingerprint(self) -> str:
        """What verdicts depend on beside answer and problem: they may be kept under this name."""
        libraries = ("math-verify", "latex2sympy2_extended", "sympy")
        return f"scorer-{VERSION} " + " ".join(f"{name}-{version(name)}" for name in libraries)

    def can_score(self, problem: Problem) -> bool:
        """Whether the problem has a target that can be read."""
        if problem.kind == "code":
            return (
                self._grade is not None
                and problem.code is not None
                and problem.code.tests is not None
            )
        return self._target_key(problem) is not None

    def score(self, problem: Problem, answer: Answer | str | None) -> bool | None:
        """Say whether an answer is right.

        Args:
            problem: with its target.
            answer: as read; a plain text is read as an answer that stands alone; None is an
                unreadable one, which is wrong.

        Returns:
            None: the problem cannot be scored.

        Raises:
            SandboxError: a program cannot be run safely here.
        """
        return self.score_many(problem, [answer])[0]

    def score_many(
        self,
        problem: Problem,
        answers: Sequence[Answer | str | None],
        *,
        known: MutableMapping[tuple[str, str], bool | None] | None = None,
    ) -> list[bool | None]:
        """Score answers to one problem, each distinct one once.

        Args:
            problem: with its target.
            answers: as `score` takes them.
            known: verdicts by `verdict_key`, of a scorer of equal fingerprint. It is looked into
                before, and filled after, anything that takes a worker or the sandbox.
        """
        target = self._target_key(problem)
        if target is None and not self.can_score(problem):
            return [None] * len(answers)
        known = {} if known is None else known
        kind = self._kind(problem)
        verdicts: dict[tuple[str, str | None], bool | None] = {}
        found: list[bool | None] = []
        for answer in answers:
            if answer is None:
                found.append(False)
                continue
            if isinstance(answer, str):
                answer_key = None if kind is None else kind.canonical(answer)
                text = answer
            else:
                text, answer_key = answer.text, answer.key
            # Only maths and code look at more than the key.
            asked = (text if problem.kind in ("math", "code") else "", answer_key)
            if asked not in verdicts:
                verdicts[asked] = self._verdict(problem, text, answer_key, target, known)
            found.append(verdicts[asked])
        return found

    def verdict_key(self, problem: Problem, answer: str) -> tuple[str, str]:
        """Under what `known` keeps a verdict: the answer's text, and what it is held against.

        A program's verdict depends on what runs it, too: on our code, its limits, and the Python.
        """
        if problem.code is None:
            return (answer, f"{problem.kind}: {problem.target}")
        # What runs programs is loaded only where there are any.
        from slm_mux.answers.code import GRADING_LIMITS

        code = problem.code
        run_by = (code_that_reads(), str(GRADING_LIMITS))
        parts = "\0".join((code.prompt, code.entry_point, code.tests or "", *run_by))
        digest = hashlib.blake2b(parts.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        return (answer, f"code: blake2b-128:{digest}")

    def statistics(self) -> ScorerStatistics:
        """Give the counts since this object was made."""
        with self._lock:
            return self._statistics

    def close(self) -> None:
        """End the worker processes; scoring again starts them anew."""
        self._workers.close()
        self._math.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _kind(self, problem: Problem) -> "AnswerKind | None":
        if problem.kind == "code":
            return None
        if problem.kind == "math":
            return self._math
        return make_kind(problem.kind, choices=problem.choices, labels=problem.labels)

    def _target_key(self, problem: Problem) -> str | None:
        if problem.target is None or (kind := self._kind(problem)) is None:
            return None
        return kind.canonical(problem.target)

    def _verdict(
        self,
        problem: Problem,
        text: str,
        key: str | None,
        target: str | None,
        known: MutableMapping[tuple[str, str], bool | None],
    ) -> bool | None:
        """Score one answer to a problem that can be scored."""
        if problem.kind != "code" and (problem.kind != "math" or key is None or key == target):
            self._count(by_key=1)
            return key is not None and key == target
        if problem.kind == "math" and not (_is_small(text) and _is_small(problem.target or "")):
            self._count(refused=1)
            return False
        place = self.verdict_key(problem, text)
        if place in known:
            return known[place]
        if problem.kind == "code":
            with watching() as watch:
                verdict = None if self._grade is None else self._grade(problem, text)
            if watch.provisional and not verdict:
                self._count(limit_hits=1)
                return verdict
            self._count(by_tests=1)
        else:
            try:
                verdict = self._workers.call(_equivalent, problem.target or "", text)
            except ClosedError:
                raise
            except NoResultError:
                # Not kept in `known`: another try, on an idle machine, may end otherwise.
                self._count(limit_hits=1)
                return False
            self._count(by_math_verify=1)
        known[place] = verdict
        return verdict

    def _count(self, **more: int) -> None:
        with self._lock:
            before = self._statistics
            self._statistics = structs.replace(
                before, **{name: getattr(before, name) + count for name, count in more.items()}
            )


def _is_small(text: str) -> bool:
    """Whether math-verify may be asked about a text: it evaluates whatever is written there."""
    if len(text) > LONGEST:
        return False
    try:
        return _bits(parse(normalise(text))) <= MOST_BITS
    except (UnparsableError, RecursionError):
        # Another parser may read it, but what ours cannot read is seldom a tower of powers.
        return text.count("^") <= _MOST_POWERS_UNREAD and "!" not in text


def _bits(node: Node) -> float:
    """Bound the bits of the largest number that evaluating the node may need, from above."""
    if isinstance(node, Number):
        return bits(node.value)
    if not isinstance(node, Apply):
        return 1
    sizes = [_bits(operand) for operand in node.operands]
    if node.operation in ("!", "binom"):
        return sizes[0] * _two_to(sizes[0])
    if node.operation == "^":
        base, exponent = node.operands
        largest = _two_to(sizes[1])
        if isinstance(exponent, Number) and largest < math.inf:
            largest = max(1.0, abs(float(exponent.value)))
        is_sum = isinstance(base, Apply) and base.operation == "+" and variables(base)
        return math.inf if is_sum and largest > HIGHEST_POWER else sizes[0] * largest
    return math.fsum(sizes)


def _two_to(bits: float) -> float:
    """Give 2 ** bits, infinity where that is more than any limit."""
    return math.inf if bits > 64 else math.exp2(bits)


def _warm_up() -> None:
    """Import what `_equivalent` needs, so that no answer's time limit pays for it."""
    _equivalent("\\frac{1}{2}", "0.5")


def _equivalent(target: str, answer: str) -> bool:
    """Compare two texts with math-verify. Runs in worker processes."""
    import logging

    # Its own time limits need signals and count wall time; the workers have theirs.
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    from math_verify import parse as parse_latex
    from math_verify import verify

    sides = [
        parse_latex(f"${text.replace('$', '')}$", parsing_timeout=None) for text in (target, answer)
    ]
    return any(
        verify(gold, other, timeout_seconds=None) for gold, other in (sides, reversed(sides))
    )
