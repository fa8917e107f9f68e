"""What may be asked: a question and its options, checked before anything is fetched or drawn."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from slm_mux.answers import make_kind
from slm_mux.answers.auto import choices_in, detect_kind
from slm_mux.answers.base import AnswerKind
from slm_mux.answers.tool_use import tool_use
from slm_mux.errors import InvalidRequestError
from slm_mux.models.base import HIGHEST_TEMPERATURE
from slm_mux.models.wire import check_extra
from slm_mux.sampling.overrides import REPLACING
from slm_mux.types import KindName, Message, ProblemKind, Stopping, ToolUse

KindRequest = Literal["auto"] | KindName
LOOKED_AT = 5_000
"""Characters at each end of a question that decide its kind and may list its choices: what is asked
stands before or after a long text, and looking through two million characters takes seconds."""


class Asked(Struct, frozen=True, kw_only=True):
    """A question that can be asked."""

    conversation: tuple[Message, ...]
    """Ends with a user's message that is not empty, or, with tools, with the result of one."""
    kind: KindName
    kind_reason: str | None
    """Why `auto` chose the kind; None when it was given."""
    choices: dict[str, str]
    """By label; empty unless the kind is choice. Read from the question where none were given."""
    labels: tuple[str, ...]
    """Empty unless the kind is label."""
    tools: ToolUse | None = None
    """Set if and only if the kind is tool_call."""

    def reader(self) -> AnswerKind:
        """A new answer kind for this question."""
        return make_kind(
            self.kind,
            choices=self.choices or None,
            labels=self.labels,
            tools=self.tools,
        )


def understand(
    question: str | Sequence[Message],
    *,
    kind: KindRequest = "auto",
    choices: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
) -> Asked:
    """Check a question and settle the form of its answer.

    Args:
        question: a text, or a conversation that ends with a user's message; where `extra` gives
            tools, it may end with the result of one.
        kind: "auto" decides it from the question alone; "tool_call" where `extra` gives tools.
        choices: the text of each label of a multiple choice.
        labels: the labels of a classification.
        extra: further fields of the requests, as in `check_options`; `tools` and `tool_choice`
            are looked at.

    Raises:
        InvalidRequestError: the question is empty or not text, the kind is unknown, or choices,
            labels or tools are missing, unusable (one choice, or two with the same text), or do
            not go with the kind.
    """
    tools, choice = tool_use(extra or {}), (extra or {}).get("tool_choice")
    conversation = _conversation(question, tools=tools is not None)
    text = text_of(conversation[-1])
    if kind == "code":
        raise InvalidRequestError(
            "a question cannot be asked for code: programs are compared by running them on a "
            "problem's own examples, so they belong to a task"
        )
    if kind != "tool_call":
        check_name("kind", kind, ("auto", *get_args(ProblemKind)))
        if tools is not None and choice != "none":
            raise InvalidRequestError(
                "there are tools, and only the kind tool_call reads calls of them: give "
                'kind="tool_call", or tool_choice "none"'
            )
    elif tools is None:
        raise InvalidRequestError(
            "the kind tool_call needs tools: it compares the calls of a question that comes with "
            "them (the field tools of `extra`)"
        )
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
    name: KindName
    reason: str | None = None
    if kind == "auto":
        name, reason = detect_kind(_ends(text), choices=choices, labels=labels)
    else:
        name = kind
    if name == "choice" and not choices:
        choices = choices_in(_ends(text))
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
        tools=tools if name == "tool_call" else None,
    )
    asked.reader()
    return asked


def check_options(
    *,
    samples: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    stop: Sequence[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    stopping: str | None = None,
    seed: int | None = None,
) -> None:
    """Check the options of one question; None is always fine.

    Raises:
        InvalidRequestError: a value that cannot be, with the nearest that can; or `extra` sets a
            field that is set for each draw, or that is an option here.
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
    if top_p is not None and not _is_top_p(top_p):
        raise InvalidRequestError(f"top_p is {top_p!r}, but must be above 0 and at most 1")
    if stop is not None:
        _check_stop(stop)
    if extra is not None:
        _check_extra(extra)
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


def _ends(text: str) -> str:
    """The beginning and the end of a long text; a shorter one is whole."""
    if len(text) <= 2 * LOOKED_AT:
        return text
    return f"{text[:LOOKED_AT]}\n\n{text[-LOOKED_AT:]}"


def _is_temperature(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= HIGHEST_TEMPERATURE


def _is_top_p(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


def _check_stop(stop: Any) -> None:
    if (
        isinstance(stop, str)
        or not isinstance(stop, Sequence)
        or not all(isinstance(text, str) and text for text in stop)
    ):
        raise InvalidRequestError("stop is a list of texts, none of them empty")
    _check_json(tuple(stop), "a text in stop")


def _check_extra(extra: Any) -> None:
    if not isinstance(extra, Mapping) or not all(isinstance(name, str) for name in extra):
        raise InvalidRequestError("extra is a mapping from a field's name to its value")
    check_extra(extra)
    if own := sorted({*REPLACING, "stop"} & extra.keys()):
        raise InvalidRequestError(
            f"extra sets {', '.join(own)}: give the option {' and '.join(own)} in its place"
        )
    _check_json(dict(extra), "extra")


def _check_json(value: Any, what: str) -> None:
    """Check that a value can be sent.

    Raises:
        InvalidRequestError: something in it is not JSON, or half of a surrogate pair.
    """
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise InvalidRequestError(f"{what} holds a lone surrogate, which cannot be sent") from None
    except RecursionError:
        raise InvalidRequestError(f"{what} is nested too deeply to be sent") from None
    except TypeError as error:
        raise InvalidRequestError(f"{what} cannot be sent as JSON: {error}") from None


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


def _conversation(question: Any, *, tools: bool) -> tuple[Message, ...]:
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
    _check_json(conversation, "the question")
    if not conversation:
        raise InvalidRequestError("the question is empty")
    last = conversation[-1]
    if last.get("role") == "tool":
        if not tools:
            raise InvalidRequestError(
                "the conversation ends with the result of a tool, but there are no tools: give "
                "their definitions in `extra`, as the field tools"
            )
    elif not text_of(last).strip() and not _shows_something(last):
        raise InvalidRequestError("the question is empty")
    return conversation


def _shows_something(message: Message) -> bool:
    """Whether there is anything but text in a message: an image, say."""
    content = message.get("content")
    return isinstance(content, list | tuple) and any(
        isinstance(part, dict) and part.get("type", "text") != "text" for part in content
    )
