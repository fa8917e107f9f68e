"""Programs as answers: two are the same when they behave the same.

The key of a program is what its function does on a fixed set of inputs, which come from the prompt
alone: its examples, and more of the same types. So programs vote without the hidden tests. What a
call did is its value in canonical form (floats rounded to 9 significant digits; see
`slm_mux.sandbox.inside.values.canonical`), or the name of the exception's class, or that it ran out
of time. A program is unreadable when it does not load or has no such function, and when none of its
calls returns although the prompt shows examples: two programs that only fail agree on nothing.

What rests on wall time, not on CPU time, is marked as provisional: a program that sleeps, or one on
a machine that was busy.

Hashes of strings are fixed (PYTHONHASHSEED=0); a program that uses the clock, or random numbers
without a seed, may behave differently each time, and then agrees with nobody.
"""

import functools
import hashlib

import msgspec

from slm_mux.answers.code_examples import examples_in
from slm_mux.answers.code_inputs import inputs_for
from slm_mux.answers.code_text import find_function, with_context
from slm_mux.errors import InvalidRequestError
from slm_mux.provisional import remembering
from slm_mux.sandbox import CallOutcome, Limits, Sandbox
from slm_mux.types import Answer, CodeSpec, KindName

GRADING_LIMITS = Limits(cpu_seconds=10, wall_seconds=20.0)


class CodeKind:
    """Answers that are a Python function.

    Args:
        spec: what the function is to do. Its tests are not looked at.
        sandbox: what runs the programs.
    """

    name: KindName = "code"
    may_block: bool = True

    def __init__(self, spec: CodeSpec, sandbox: Sandbox) -> None:
        self._spec = spec
        self._sandbox = sandbox
        self._inputs = functools.cache(lambda: inputs_for(spec))
        self._has_examples = functools.cache(
            lambda: bool(examples_in(spec.prompt, spec.entry_point))
        )
        # Draws of one model are often the same program.
        self._key = remembering(self._behaviour, most=256)

    def instruction(self) -> str:
        """Ask for the whole function in one block."""
        return (
            f"Write the complete function `{self._spec.entry_point}` in Python, with the imports "
            "it needs and without examples or tests, in one ```python block."
        )

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Find the program in a completion and run it; see the module, and `code_text`.

        Raises:
            SandboxError: no program can be run safely here.
        """
        program = find_program(self._spec, text, cut_off=cut_off)
        if program is None:
            return None
        key = self._key(program)
        return None if key is None else Answer(text=program, key=key)

    def canonical(self, answer: str) -> str | None:
        """The key of a program that stands alone, or of the rest of the prompt.

        Raises:
            SandboxError: no program can be run safely here.
        """
        found = self.read(answer)
        return None if found is None else found.key

    def close(self) -> None:
        """Nothing to release."""

    def _behaviour(self, program: str) -> str | None:
        inputs = self._inputs()
        result = self._sandbox.call(program, self._spec.entry_point, inputs)
        if result.loaded.status != "returned":
            return None
        if self._has_examples() and all(call.status != "returned" for call in result.calls):
            return None
        digest = hashlib.blake2b(digest_size=16)
        for call in result.calls:
            digest.update(_behaviour(call).encode("utf-8", "surrogatepass") + b"\0")
        return f"blake2b-128:{digest.hexdigest()}"


def _behaviour(call: CallOutcome) -> str:
    match call.status:
        case "returned":
            return f"= {call.value}"
        case "raised":
            return f"! {call.error}"
        case "timed_out" | "skipped":
            # Which of two loops was met first is no difference between programs.
            return "..."
    return "died"


def find_program(spec: CodeSpec, text: str, *, cut_off: bool = False) -> str | None:
    """The program in a completion, with what it needs of the prompt put before it.

    None where no piece of the text defines the function; see `code_text.find_function`.
    """
    found = find_function(text, spec.entry_point, prompt=spec.prompt, cut_off=cut_off)
    return None if found is None else with_context(found, spec.prompt, spec.entry_point)


def grade(spec: CodeSpec, program: str, sandbox: Sandbox) -> bool:
    """Whether the hidden tests accept a program.

    Whatever else happens (an assertion, any exception, the time or memory used up, the program
    ending itself) is False. Where it was the wall time, that is marked as provisional.

    Args:
        spec: with tests.
        program: whole, as `find_program` gives it.
        sandbox: what runs it.

    Raises:
        InvalidRequestError: the problem has no tests.
        SandboxError: no program can be run safely here.
    """
    if spec.tests is None:
        raise InvalidRequestError(f"there are no tests to grade `{spec.entry_point}` with")
    limits = msgspec.structs.replace(
        GRADING_LIMITS, memory_bytes=sandbox.limits.memory_bytes, processes=sandbox.limits.processes
    )
    return sandbox.passes(
        program,
        entry_point=spec.entry_point,
        prompt=spec.prompt,
        tests=spec.tests,
        limits=limits,
    )
