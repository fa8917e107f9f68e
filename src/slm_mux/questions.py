"""What may be asked: checks of a question and its options before anything is drawn."""

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from slm_mux.answers.auto import choices_in, detect_kind
from slm_mux.errors import InvalidRequestError
from slm_mux.types import KindName, Message, Stopping

KindRequest = Literal["auto"] | KindName


def checked_question(question: str | Sequence[Message]) -> tuple[Message, ...]:
    """The question as a conversation.

    Raises:
        InvalidRequestError: it is empty, or cannot be written as UTF-8.
    """
    if isinstance(question, str):
        conversation: tuple[Message, ...] = ({"role": "user", "content": question},)
    else:
        conversation = tuple(question)
    if not conversation or not text_of(conversation[-1]).strip():
        raise InvalidRequestError("the question is empty")
    for message in conversation:
        try:
            text_of(message).encode()
        except UnicodeEncodeError as error:
            raise InvalidRequestError(
                f"the question is not text: character {error.start} is a lone surrogate "
                "(bytes that are not UTF-8 were read as text)"
            ) from None
    return conversation


def text_of(message: Message) -> str:
    """The text of a message, without images."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def check_options(
    samples: int | None, temperature: float | None, max_tokens: int | None, stopping: str
) -> None:
    """Check the options of one question; None is always fine.

    Raises:
        InvalidRequestError: a value that cannot be, with the nearest that can.
    """
    if samples is not None and samples < 1:
        raise InvalidRequestError(f"samples is {samples}, but each model needs at least 1 draw")
    if temperature is not None and not 0 <= temperature < math.inf:
        raise InvalidRequestError(f"temperature is {temperature}, but must be 0 or more")
    if max_tokens is not None and max_tokens < 1:
        raise InvalidRequestError(f"max_tokens is {max_tokens}, but must be at least 1")
    _check_name("stopping", stopping, get_args(Stopping))


def _check_name(what: str, name: str, valid: Sequence[str]) -> None:
    if name not in valid:
        close = difflib.get_close_matches(name, valid, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(valid)}"
        raise InvalidRequestError(f"there is no {what} {name!r}; {hint}")


def resolve_kind(
    kind: KindRequest,
    question: str,
    choices: Mapping[str, str] | None,
    labels: Sequence[str],
) -> tuple[KindName, str | None]:
    """Settle the answer kind.

    Returns:
        The kind, and why, when it was left to us.

    Raises:
        InvalidRequestError: an unknown kind, or choices or labels that do not go with it.
    """
    _check_name("kind", kind, ("auto", *get_args(KindName)))
    if choices and kind not in ("auto", "choice"):
        raise InvalidRequestError(f"choices go with the kind 'choice', not {kind!r}")
    if labels and kind not in ("auto", "label"):
        raise InvalidRequestError(f"labels go with the kind 'label', not {kind!r}")
    if choices and labels:
        raise InvalidRequestError("give either choices or labels, not both")
    if kind == "choice" and not choices and not choices_in(question):
        raise InvalidRequestError(
            "a multiple choice needs its choices: give them, or write them in the question as "
            "A) ... B) ..."
        )
    if kind == "label" and not labels:
        raise InvalidRequestError("a classification needs its labels")
    if kind == "auto":
        return detect_kind(question, choices=choices, labels=labels)
    return kind, None
