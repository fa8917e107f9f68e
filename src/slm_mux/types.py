"""The nouns of the project: frozen values that every other module passes around.

A *sample* is one draw of one model on one problem. Its *completion* is the text that came back; its
*answer* is what was read out of it. Answers with equal keys form a *class*; a *vote* is one model's
counts per class; a *decision* is what the votes come to.
"""

import enum
from typing import Any, Literal

from msgspec import Struct

Message = dict[str, Any]
"""One chat message in the OpenAI wire format: at least `role` and `content`."""

TieBreak = Literal["none", "validation_accuracy", "pool_order"]
Stopping = Literal["eager", "frugal", "none"]
ProblemKind = Literal["number", "choice", "math", "label", "json", "text", "code"]
"""The kinds of answer that a problem of a data set can have."""
KindName = Literal[ProblemKind, "tool_call"]
"""Every kind; `tool_call` is for questions that are asked with tools."""

Style = Literal["words", "program"]
"""How a model is asked: to reason in words, or to write a program that is then run."""


class Missing(enum.Enum):
    """Why a draw brought no completion; a completion that cannot be read is None instead."""

    FAILED = "failed"
    NOT_DRAWN = "not_drawn"


class CodeSpec(Struct, frozen=True, kw_only=True):
    """What a programming problem asks for, and how a program for it is checked."""

    prompt: str
    """The start of the program: imports, signature, docstring with examples."""
    entry_point: str
    """The name of the function to write."""
    tests: str | None = None
    """Source that defines `check(candidate)`, which raises where the candidate is wrong; a model
    never sees it."""


class Problem(Struct, frozen=True, kw_only=True):
    """One item of a data set."""

    id: str
    """Unique in its task."""
    question: str
    """What every model is asked, without choices and without the request for an answer's form."""
    kind: ProblemKind
    target: str | None = None
    """The reference answer as the data set writes it; None: the problem cannot be scored."""
    split: str | None = None
    """For instance "validation" or "test"; None where the task has no splits."""
    choices: dict[str, str] = {}
    """The text by label; empty unless the kind is choice."""
    labels: tuple[str, ...] = ()
    """Empty unless the kind is label."""
    code: CodeSpec | None = None
    """Set if and only if the kind is code."""
    subject: str | None = None


class Answer(Struct, frozen=True, gc=False):
    """What was read out of a completion.

    Two answers mean the same if and only if their keys are equal, so "means the same" is
    reflexive, symmetric and transitive by construction.
    """

    text: str
    """As the model wrote it."""
    key: str
    """The canonical form: a pure function of the text, within one answer kind."""


class ToolCall(Struct, frozen=True, kw_only=True, gc=False):
    """One call of a tool that a model asks for."""

    id: str | None = None
    """The endpoint's name for this call; None where it gave none."""
    name: str
    """The function's; empty where the endpoint gave none."""
    arguments: str
    """As the model wrote them: JSON, if the model got it right."""


class ToolUse(Struct, frozen=True, kw_only=True):
    """What the tools of a question allow."""

    functions: frozenset[str] | None = None
    """The names that may be called; None where they are not known."""
    must_call: bool = False
    """Whether a text in place of a call is no answer."""


class Completion(Struct, frozen=True, kw_only=True, gc=False):
    """The text one draw brought, and what it cost.

    Token counts are None where the endpoint reported none. Of a request for several draws, the
    prompt is booked on the first completion and the completion tokens are shared out evenly, so
    that sums are right.
    """

    text: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    served_model: str | None = None
    """The model name in the reply, which may differ from the one asked for."""
    reasoning: str | None = None
    """What the endpoint returned apart from the text as reasoning; never read for an answer."""
    tool_calls: tuple[ToolCall, ...] = ()
    """In the model's order; a store does not keep them."""
    logprobs: Any = None
    """The log-probabilities as they came, plain JSON values; a store does not keep them."""

    @property
    def cut_off(self) -> bool:
        """Whether the token limit ended it."""
        return self.finish_reason == "length"


class Failure(Struct, frozen=True, gc=False):
    """Why a draw brought no completion after all retries."""

    error: str
    """The name of the error's class."""
    message: str
    tries: int = 1
    """How often the request was sent."""


class Sample(Struct, frozen=True, kw_only=True, gc=False):
    """One draw of one model on one problem, however it ended.

    Exactly one of `completion` and `failure` is set; `answer` is None when unreadable.
    """

    model: str
    draw: int
    """The draw's index, 0 .. k - 1."""
    seed: int | None = None
    """None where the endpoint drew several at once and gave none of them a seed of its own."""
    completion: Completion | None = None
    answer: Answer | None = None
    failure: Failure | None = None
    seconds: float = 0.0
    """From when its request was first let through to its end, retries included."""


class ClassCount(Struct, frozen=True, kw_only=True):
    """One class in one model's vote."""

    answer: str
    """As written at the class's lowest draw index."""
    canonical: str
    """The class's key."""
    count: int
    first_draw: int
    """The class's lowest draw index."""


class Vote(Struct, frozen=True, kw_only=True):
    """One model's draws on one problem, counted.

    `unreadable + failed + not_drawn + sum of counts == k`.
    """

    model: str
    k: int
    counts: tuple[ClassCount, ...]
    """Largest first; equal counts by lowest draw index. So the first is the candidate."""
    unreadable: int = 0
    failed: int = 0
    not_drawn: int = 0
    validation_accuracy: float | None = None

    @property
    def candidate(self) -> ClassCount | None:
        """The model's largest class, or None when it has no readable answer."""
        return self.counts[0] if self.counts else None

    @property
    def answer(self) -> str | None:
        """The candidate as written, or None when the model has no readable answer."""
        return self.counts[0].answer if self.counts else None

    @property
    def confidence(self) -> float:
        """The candidate's count / k, in [0, 1]; 0 without a candidate (paper, Algorithm 1)."""
        return self.counts[0].count / self.k if self.counts else 0.0


class Usage(Struct, frozen=True, kw_only=True):
    """What a decision cost."""

    samples: int = 0
    """Draws that brought a completion."""
    requests: int = 0
    """Requests sent, retries included."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    samples_without_usage: int = 0
    """Completions whose endpoint reported no token counts: the two sums leave them out."""
    cancelled: int = 0
    """Requests closed before their reply, because the answer was settled. What their endpoint had
    generated by then is unknown and in no sum."""
    seconds: float = 0.0
    """Wall time."""


class ModelIssue(Struct, frozen=True, kw_only=True):
    """Failed draws of one model that share one reason."""

    model: str
    error: str
    message: str
    draws: int
    tries: int
    """How often the most persistent of these draws was tried."""


class TurnRecord(Struct, frozen=True, kw_only=True):
    """One thing that a model said in a discussion."""

    step: str
    """The part of the method that it belongs to, for instance "round 1"."""
    model: str
    answer: str | None
    """What was read, as written; None where nothing could be, and of a summary. A verdict is
    "correct" or "wrong", a choice the number of a response."""
    canonical: str | None
    """The key of that."""
    heard: tuple[int, ...] = ()
    """Which turns it had read, by their places in the discussion, from 0."""
    to_question: bool = True
    """Whether it was to answer the question; a verdict, a choice and a summary were not."""
    ended: Literal["failed", "silent"] | None = None
    """Why there is no text; None where there is one."""
    text: str | None = None
    """What was said, reasoning left out."""


class DiscussionRecord(Struct, frozen=True, kw_only=True):
    """What a decision rests on where the models read each other."""

    settings: dict[str, Any]
    """The method's."""
    decided_by: str
    """What decided, in a few words."""
    breaches: dict[str, int]
    """How often the format was broken or something had to be cut, by name."""
    turns: tuple[TurnRecord, ...]
    """In the order in which they were asked for."""


class Decision(Struct, frozen=True, kw_only=True):
    """The pool's answer, and everything it rests on.

    With lossless stopping the *class* of `answer` is what all draws would have given. The winning
    model, its confidence and its text may still have changed: `winner_settled` says whether they
    could, and `confidence_bounds` how far.
    """

    answer: str
    """As the winning model wrote it at the class's lowest draw index."""
    canonical: str
    """The key of the answer's class."""
    model: str
    confidence: float
    """The winning candidate's count / k, in [0, 1]; by another method than mux, the share that the
    method defines."""
    confidence_bounds: tuple[float, float]
    tie_break: TieBreak
    kind: KindName | None = None
    """None for answers that were compared as given."""
    kind_reason: str | None = None
    """Why `auto` chose this kind, or why texts are compared; None where the kind that was given is
    the one that was read."""
    text: str | None = None
    """The text of the completion that the answer was read from, where there is one."""
    completion: Completion | None = None
    """That completion whole, with its tool calls and log-probabilities."""
    stopped_early: bool = False
    answer_settled: bool = True
    """Whether no draw still out could have changed the answer; False only for a question that was
    interrupted."""
    winner_settled: bool = True
    votes: tuple[Vote, ...] = ()
    """In pool order."""
    usage: Usage = Usage()
    errors: tuple[ModelIssue, ...] = ()
    warnings: tuple[str, ...] = ()
    method: str = "mux"
    """How the question was asked and decided."""
    discussion: DiscussionRecord | None = None
    """Set if and only if the models read each other. The confidence is then the share that the
    method defines, and a vote holds what its model said last."""
