"""What may be asked: a question and its options, checked before anything is fetched or drawn."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct

from slm_mux.answers import make_kind
from slm_mux.answers.auto import choices_in, detect_kind
from slm_mux.answers.base import AnswerKind
from slm_mux.errors import InvalidRequestError
from slm_mux.models.base import HIGHEST_TEMPERATURE
from slm_mux.types import KindName, Message, Stopping

KindRequest = Literal["auto"] | KindName


class Asked(Struct, frozen=True, kw_only=True):
    """A question that can be asked."""

    conversation: tuple[Message, ...]
    """Ends with a user's message that has a text."""
    kind: KindName
    kind_reason: str | None
    """Why `auto` chose the kind; None when it was given."""
    choices: dict[str, str]
    """By label; empty unless the kind is choice. Read from the question where none were given."""
    labels: tuple[str, ...]
    """Empty unless the kind is label."""

    def reader(self) -> AnswerKind:
        """A new answer kind for this question."""
        return make_kind(self.kind, choices=self.choices or None, labels=self.labels)


def understand(
    question: str | Sequence[Message],
    *,
    kind: KindRequest = "auto",
    choices: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
) -> Asked:
    """Check a question and settle the form of its answer.

    Args:
        question: a text, or a conversation that ends with a user's message.
        kind: "auto" decides it from the question alone.
        choices: the text of each label of a multiple choice.
        labels: the labels of a classification.

    Raises:
        InvalidRequestError: the question is empty or not text, the kind is unknown, or choices or
            labels are missing, unusable (one choice, or two with the same text), or do not go with
            the kind.
    """
    conversation = _conversation(question)
    text = text_of(conversation[-1])
    if kind == "code":
        raise InvalidRequestError(
            "a question cannot be asked for code: programs are compared by running them on a "
            "problem's own examples, so they belong to a task"
        )
    check_name("kind", kind, ("auto", *get_args(KindName)))
    if choices is not None and not isinstance(choices, Mapping):
        raise InvalidRequestError("choices are a mapping from label to text")
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise InvalidRequestError("labels are a list of texts")
    given: Mapping[Any, Any] = choices or {}
    for label, meaning in given.items():
        if not isinstance(label, str) or not isinstance(meaning, str):
            raise InvalidRequestError(f"the choice {label!r}: {meaning!r} is not a text by a label")
    if choices and labels:
        raise InvalidRequestError("give either choices or labels, not both")
    reason: str | None = None
    if kind == "auto":
        name, reason = detect_kind(text, choices=choices, labels=labels)
    else:
        name = kind
    if name == "choice" and not choices:
        choices = choices_in(text)
        if not choices:
            raise InvalidRequestError(
                "a multiple choice needs its choices: give them, or write them in the question as "
                "A) ... B) ..."
            )
    if name == "choice" and (given or kind == "choice"):
        # What `auto` found in a question is a guess, over which no question is refused.
        _check_choices(choices or {})
    asked = Asked(
        conversation=conversation,
        kind=name,
        kind_reason=reason,
        choices=dict(choices or {}),
        labels=tuple(labels),
    )
    asked.reader()
    return asked


def check_options(
    *,
    samples: int | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    stopping: str | None = None,
    seed: int | None = None,
) -> None:
    """Check the options of one question; None is always fine.

    Raises:
        InvalidRequestError: a value that cannot be, with the nearest that can.
    """
    for option, value in (("samples", samples), ("max_tokens", max_tokens), ("seed", seed)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise InvalidRequestError(f"{option} is {value!r}, but must be a whole number")
    if samples is not None and samples < 1:
        raise InvalidRequestError(f"samples is {samples}, but each model needs at least 1 draw")
    if max_tokens is not None and max_tokens < 1:
        raise InvalidRequestError(f"max_tokens is {max_tokens}, but must be at least 1")
    if temperature is not None and not _is_temperature(temperature):
        raise InvalidRequestError(
            f"temperature is {temperature!r}, but must be between 0 and {HIGHEST_TEMPERATURE:g}"
        )
    if stopping is not None:
        check_name("stopping", stopping, get_args(Stopping))


def check_name(what: str, name: str, valid: Sequence[str]) -> None:
    """Check that a name is one of a few.

    Raises:
        InvalidRequestError: it is not; names the nearest.
    """
    if name not in valid:
        close = difflib.get_close_matches(str(name), valid, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(valid)}"
        raise InvalidRequestError(f"there is no {what} {name!r}; {hint}")


def text_of(message: Message) -> str:
    """The text of a message, without images."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def _is_temperature(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= HIGHEST_TEMPERATURE


def _check_choices(choices: Mapping[str, str]) -> None:
    """Refuse choices between which nobody can choose; texts may be blank where labels say it all.

    Raises:
        InvalidRequestError: there is one only, or two have the same text up to spaces.
    """
    if len(choices) == 1:
        raise InvalidRequestError(
            f"a multiple choice needs two choices or more; only {next(iter(choices))!r} is given"
        )
    seen: dict[str, str] = {}
    for label, text in choices.items():
        words = " ".join(text.split())
        if words and words in seen:
            raise InvalidRequestError(
                f"the choices {seen[words]!r} and {label!r} have the same text {words!r}; give "
                "each its own, or leave one out"
            )
        seen[words] = label


def _conversation(question: Any) -> tuple[Message, ...]:
    if isinstance(question, str):
        question = ({"role": "user", "content": question},)
    if not isinstance(question, Sequence) or isinstance(question, bytes):
        raise InvalidRequestError("a question is a text, or a list of chat messages")
    conversation = tuple(question)
    for message in conversation:
        if not isinstance(message, dict) or not isinstance(
            message.get("content"), str | list | tuple | None
        ):
            raise InvalidRequestError(
                "a chat message is a mapping with `role` and `content`, and the content a text or "
                "a list of parts"
            )
        try:
            text_of(message).encode()
        except UnicodeEncodeError as error:
            raise InvalidRequestError(
                f"the question is not text: character {error.start} is a lone surrogate "
                "(bytes that are not UTF-8 were read as text)"
            ) from None
    if not conversation or not text_of(conversation[-1]).strip():
        raise InvalidRequestError("the question is empty")
    return conversation
