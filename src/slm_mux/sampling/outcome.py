"""From the draws of a question to its decision, or to the reasons why there is none."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from slm_mux.errors import NoAnswerError
from slm_mux.sampling.tally import Tally
from slm_mux.types import Completion, Decision, KindName, Sample, Usage
from slm_mux.voting import decide

OTHER_KIND = "give --kind, or kind=, for another"
"""What a message ends with that names a form of answer which nobody asked for."""
EXCERPT = 80
"""Characters of an unreadable completion that an error quotes."""

_FORMS: Mapping[KindName, str] = MappingProxyType(
    {
        "number": "a number",
        "choice": "one of the choices",
        "math": "a mathematical expression",
        "label": "one of the labels",
        "json": "a JSON value",
        "text": "a text",
        "code": "a program",
        "tool_call": "a call of a tool or a text",
    }
)


def decision_of(
    tally: Tally,
    *,
    kind: KindName,
    kind_reason: str | None = None,
    usage: Usage | None = None,
    warnings: Sequence[str] = (),
) -> Decision:
    """Decide by the draws that are in, and say how sure that is.

    Raises:
        NoAnswerError: none of them is readable; lists what happened to each model, and names the
            form of answer that was looked for.
    """
    votes = tally.votes()
    if not any(vote.counts for vote in votes):
        unread = any(sample.completion is not None for sample in tally)
        raise NoAnswerError(
            {d.model: reason_of(tally.samples_of(d.model)) for d in tally.drawers},
            # Where no completion came in, its form is not what went wrong.
            looked_for=looked_for(kind, kind_reason) if unread else None,
        )
    decision = decide(votes)
    settlement = tally.settlement()
    winner = next(vote for vote in votes if vote.model == decision.model)
    winning = tally.sample(decision.model, winner.counts[0].first_draw)
    completion = winning.completion if winning is not None else None
    return replace(
        decision,
        kind=kind,
        kind_reason=kind_reason,
        text=completion.text if completion is not None else None,
        completion=completion,
        answer_settled=settlement.answer is not None,
        winner_settled=settlement.winner is not None,
        usage=usage or tally.usage(),
        errors=tally.issues(),
        warnings=tuple(warnings),
    )


def fallen_back(kind: KindName, reason: str | None, note: str) -> str:
    """Say why `note` holds, where a kind was given, or `auto` had chosen it for a reason."""
    why = "" if reason is None else f" ({reason})"
    return f"{_FORMS[kind]} was looked for{why} and not found, so {note}"


def looked_for(kind: KindName, reason: str | None) -> str:
    """Name the form of answer, and how to ask for another where nobody asked for this one."""
    form = f"{_FORMS[kind]} was looked for"
    return form if reason is None else f"{form}: {reason}; {OTHER_KIND}"


def reason_of(samples: Sequence[Sample]) -> str:
    """Say why there is no answer in any of a model's draws."""
    failures = [sample.failure for sample in samples if sample.failure is not None]
    unread = [sample.completion for sample in samples if sample.completion is not None]
    parts = []
    if failures:
        distinct = "; ".join(dict.fromkeys(failure.message for failure in failures))
        most = max(failure.tries for failure in failures)
        tried = f" (tried {most} times)" if most > 1 else ""
        parts.append(f"{len(failures)} of {len(samples)} draws failed: {distinct}{tried}")
    if unread:
        text = " ".join(_written(unread[0]).split())
        excerpt = text if len(text) <= EXCERPT else f"…{text[-EXCERPT:]}"
        cut_off = sum(completion.cut_off for completion in unread)
        notes = f" ({cut_off} cut off by the token limit)" if cut_off else ""
        ending = f'; one ends: "{excerpt}"' if excerpt else "; one is empty"
        parts.append(f"{len(unread)} of {len(samples)} draws unreadable{notes}{ending}")
    return "; ".join(parts) if parts else "no draw came in"


def _written(completion: Completion) -> str:
    """The text, or what was called in its place."""
    return completion.text or " ".join(
        f"{call.name}({call.arguments})" for call in completion.tool_calls
    )
