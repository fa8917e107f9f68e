"""What an answer kind is: how to ask for it, how to read it, when two of them are the same."""

from typing import Protocol

from slm_mux.types import Answer, KindName


class AnswerKind(Protocol):
    """One form of answer. An instance is immutable and may be shared between threads."""

    @property
    def name(self) -> KindName:
        """The kind's name."""
        ...

    @property
    def may_block(self) -> bool:
        """Whether `read` can take longer than a millisecond (then it belongs in a thread)."""
        ...

    def instruction(self) -> str:
        """One or two sentences, put after the question, that ask a model for this form."""
        ...

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the answer out of a completion.

        Args:
            text: the whole completion. Reasoning between <think> tags is not read.
            cut_off: the token limit ended the completion; then only an answer that is visibly
                complete counts (what comes last may be half a number).

        Returns:
            The answer as written with its canonical key, or None when there is none to read.
            Never raises because of the text. What rests on a limit by wall time is marked; see
            `slm_mux.provisional`.

        Raises:
            SandboxError: reading runs a program, and none can be run safely here.
        """
        ...

    def canonical(self, answer: str) -> str | None:
        """The key of an answer that stands alone (a target, an answer of someone else's).

        None when the text is not an answer of this kind.
        """
        ...

    def close(self) -> None:
        """Release what reading needed (worker processes); reading again starts it anew."""
        ...
