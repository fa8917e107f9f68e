r"""Answers that a program computes: the model writes a function, the sandbox runs it.

What the function `solution()` returns is the answer, written as text and read by the kind of the
question. Without such a function, the last Python block is run and the last line that it prints is
the answer. Only the standard library is there. A program that fails, or takes too long, makes the
completion unreadable (provisionally, where it was the wall time that ran out), and so does one
without a program: a bare "42" is not read, since a member that reasons in words is there for that,
and the two are to fail differently.
"""

import re

from slm_mux.answers.base import AnswerKind
from slm_mux.answers.code_text import defined_names, find_function, last_script, parse
from slm_mux.provisional import remembering
from slm_mux.sandbox import CallOutcome, Sandbox, shared_sandbox
from slm_mux.types import Answer, KindName

ENTRY_POINT = "solution"
CPU_SECONDS = 5
WALL_SECONDS = 10.0
"""Twice the CPU time, so that a busy machine takes no answer away."""
_LONGEST_ANSWER = 10_000
_RETURNED: dict[KindName, str] = {
    "number": "the final number, without a unit",
    "math": "the exact answer: an int, a fractions.Fraction, or a string in LaTeX",
    "choice": "the label of the correct choice as a string",
    "label": "the correct label as a string",
    "json": "the answer as dicts, lists, strings and numbers",
    "text": "the answer as a string",
    "code": "the answer as a string",
}
_SHOWN_AS_READ = ("choice", "label")


class ProgramKind:
    """Answers of another kind that come out of a model-written program.

    Args:
        inner: the kind of the question; its `canonical` reads what the program returns.
        sandbox: what runs the programs; None for the one that all kinds of this process share.
    """

    may_block: bool = True

    def __init__(self, inner: AnswerKind, sandbox: Sandbox | None = None) -> None:
        self._inner = inner
        self._sandbox = shared_sandbox() if sandbox is None else sandbox
        self._result = remembering(self._run, most=256)

    @property
    def name(self) -> KindName:
        """The inner kind's name: its answers and keys are of that kind."""
        return self._inner.name

    def instruction(self) -> str:
        """Ask for a function in one block, with an example that is far from any question.

        An example that looks like the question, or a sentence after it, makes small models copy it.
        """
        return (
            "Answer with Python code. Write a function `solution()` that takes no arguments, "
            f"computes the answer and returns {_RETURNED[self._inner.name]}. Use only the standard "
            "library. Put the function in one ```python block and do not run it. For example, for "
            '"A hall has 14 rows of 22 seats and 35 seats are taken. How many are free?":\n'
            "```python\n"
            "def solution():\n"
            "    seats = 14 * 22\n"
            "    taken = 35\n"
            "    return seats - taken\n"
            "```"
        )

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Find the program in a completion, run it, and read its result; see the module.

        Raises:
            SandboxError: no program can be run safely here.
        """
        source = find_function(text, ENTRY_POINT, cut_off=cut_off)
        if source is None:
            source = last_script(text, cut_off=cut_off)
        result = None if source is None else self._result(source)
        if result is None or not result.strip() or len(result) > _LONGEST_ANSWER:
            return None
        if self.name == "math":
            result = _latex(result)
        key = self._inner.canonical(result)
        if key is None:
            return None
        return Answer(text=key if self.name in _SHOWN_AS_READ else result, key=key)

    def canonical(self, answer: str) -> str | None:
        """The inner kind's key: what stands alone (a target) is an answer, not a program."""
        return self._inner.canonical(answer)

    def close(self) -> None:
        """Release what the inner kind needed."""
        self._inner.close()

    def _run(self, source: str) -> str | None:
        """What a program returns, or prints last, as text."""
        tree = parse(source)
        has_function = tree is not None and ENTRY_POINT in defined_names(tree)
        outcome = self._sandbox.call(
            source,
            ENTRY_POINT if has_function else None,
            [""] if has_function else [],
            cpu_seconds=CPU_SECONDS,
            seconds_each=WALL_SECONDS,
            # A script may keep its last lines for when it is run as one.
            name="program" if has_function else "__main__",
        )
        if not has_function:
            return _printed(outcome.loaded)
        call = outcome.calls[0] if outcome.calls else outcome.loaded
        if call.status == "returned" and outcome.calls and call.text not in ("", "None"):
            return call.text
        return _printed(call)


_SWALLOWED = {"\x07": "a", "\x08": "b", "\t": "t", "\x0b": "v", "\x0c": "f", "\r": "r"}
_SWALLOWED_COMMAND = re.compile(r"[\x07\x08\t\x0b\x0c\r](?=[A-Za-z])")


def _latex(text: str) -> str:
    r"""Give LaTeX its backslash back: in a string that is not raw, "\f" of "\frac" is one sign."""
    return _SWALLOWED_COMMAND.sub(lambda match: f"\\{_SWALLOWED[match[0]]}", text)


def _printed(outcome: CallOutcome) -> str | None:
    """The last line that was printed, by a program that ended well."""
    lines = outcome.printed.split("\n") if outcome.status == "returned" else []
    return next((line.strip() for line in reversed(lines) if line.strip()), None)
