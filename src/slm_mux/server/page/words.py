"""What a decision means, in sentences."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from slm_mux.server.page.texts import on_one_line, share
from slm_mux.wording import counted, listed

METHODS = {
    "mux": "SLM-MUX",
    "single": "Best model, one draw",
    "self_consistency": "Best model, majority",
    "agent_forest": "All models, one majority",
    "mixture_of_agents": "Mixture of agents",
    "debate": "Debate",
    "multi_agent_verification": "Multi-agent verification",
    "universal_self_consistency": "Universal self-consistency",
}
METHODS_EXPLAINED = {
    "mux": "the model that agrees with itself most",
    "single": "one draw of the model with the best record",
    "self_consistency": "most frequent answer of the model with the best record",
    "agent_forest": "first with the most frequent answer of all draws",
    "mixture_of_agents": "wrote it, or speaks for the majority of the last layer",
    "debate": "speaks for the majority of the last round",
    "multi_agent_verification": "wrote what got the most approvals",
    "universal_self_consistency": "wrote what agrees best with the others",
}
KINDS = {
    "auto": "Automatic",
    "number": "Number",
    "choice": "Multiple choice",
    "math": "Expression",
    "label": "Label",
    "json": "JSON",
    "text": "Text",
}
STOPPINGS = {
    "": "As the pool file says",
    "eager": "Start all, stop when settled",
    "frugal": "Draw as few as needed",
    "none": "Make every draw",
}


_CONFIDENCE = {
    "agent_forest": "of all draws gave this answer",
    "mixture_of_agents": "of the last layer gave this answer",
    "debate": "of the agents ended with this answer",
    "multi_agent_verification": "of its verdicts approve of it",
    "universal_self_consistency": "of the candidates have this answer",
}


def confidence_of(method: str) -> str:
    """Say what the confidence is a share of."""
    return _CONFIDENCE.get(method, "of its draws gave this answer")


def speakers(mux: Mapping[str, Any]) -> str:
    """Say how many models took part in a discussion."""
    return counted(len({turn["model"] for turn in mux["discussion"]["turns"]}), "model")


def why(mux: Mapping[str, Any]) -> list[str]:
    """Say who won and by which rule.

    Args:
        mux: the reply's `mux` object, with its votes.
    """
    if mux.get("discussion") is not None:
        return [f"The models read each other. What decided: {mux['discussion']['decided_by']}."]
    if mux["method"] == "single":
        return [f"This is one draw of {mux['model']}, the model with the best record."]
    votes = [vote for vote in mux["votes"] if vote["counts"]]
    if mux["method"] == "agent_forest":
        count = sum(
            c["count"] for v in votes for c in v["counts"] if c["canonical"] == mux["canonical"]
        )
        total = sum(vote["k"] for vote in mux["votes"])
        said = f"All draws were counted in one vote: {count} of {total} gave this answer"
        return [f"{said}, more than any other, or as many and earlier."]
    winner = next(vote for vote in votes if vote["model"] == mux["model"])
    if mux["method"] == "self_consistency":
        said = f"{mux['model']}, the model with the best record, was asked alone"
        return [f"{said}, and gave this answer in {_agreeing(winner)} draws."]
    equal = [vote for vote in votes if _part(vote) == _part(winner)]
    return [_of_mux(mux, winner, equal, votes), *_no_agreement(votes), *_still_open(mux)]


def saved(mux: Mapping[str, Any]) -> str:
    """Say how many draws were made, and how many were not needed."""
    planned = sum(vote["k"] for vote in mux["votes"])
    left_out = sum(vote["not_drawn"] for vote in mux["votes"])
    if not left_out:
        return f"All {counted(planned, 'draw')} were made."
    return (
        f"Settled after {planned - left_out} of {counted(planned, 'draw')}: the other {left_out} "
        f"({share(left_out, planned)}) could not have changed the answer, and were left out."
    )


def cost(mux: Mapping[str, Any]) -> str:
    """Say what the answer took."""
    usage = mux["usage"]
    tokens = usage["prompt_tokens"] + usage["completion_tokens"]
    requests = counted(usage["requests"], "request")
    return f"{requests}, {counted(tokens, 'token')}" if tokens else requests


def read_as(mux: Mapping[str, Any]) -> str:
    """Say how answers were read, and why so."""
    reason = mux["kind_reason"]
    name = KINDS.get(mux["kind"], mux["kind"])
    return f"{name}: {reason}." if reason else f"{name}, as asked."


def temperature(mux: Mapping[str, Any]) -> str | None:
    """Say it where the temperature was raised."""
    used, asked = mux["temperature_used"], mux["asked_temperature"]
    if used is None or used == asked:
        return None
    return (
        f"The temperature {asked:g} was raised to {used:g}: lower, the draws of a model would be "
        "much the same, and their agreement would say little."
    )


def issue(found: Mapping[str, Any]) -> str:
    """Say why draws of a model failed; most messages start with its name."""
    model, message = found["model"], on_one_line(found["message"], 400)
    named = message if message.startswith(f"{model}:") else f"{model}: {message}"
    return f"{named} ({counted(found['draws'], 'draw')})"


def first_line(message: str) -> str:
    """The first line of an error that goes on with a reason for each model."""
    return message.partition("\n")[0].rstrip(":") + "."


def _of_mux(
    mux: Mapping[str, Any],
    winner: Mapping[str, Any],
    equal: Sequence[Mapping[str, Any]],
    votes: Sequence[Mapping[str, Any]],
) -> str:
    model, agreeing = winner["model"], _agreeing(winner)
    if len(mux["votes"]) == 1:
        return f"{model} is the only model; {agreeing} of its draws gave this answer."
    if mux["tie_break"] == "none" and len(equal) > 1:
        names = listed([vote["model"] for vote in equal])
        return (
            f"{names} agree with themselves equally often, and on the same answer; {model} is "
            "named since it has the better record or stands first."
        )
    if mux["tie_break"] == "none":
        others = [vote for vote in votes if vote is not winner]
        if not others:
            return f"{model} gave this answer in {agreeing} draws; no other model gave any."
        second = max(others, key=_part)
        return (
            f"{model} agrees with itself most: {agreeing} draws gave this answer. Next comes "
            f"{second['model']} with {_agreeing(second)}."
        )
    names = listed([vote["model"] for vote in equal])
    said = f"{names} agree with themselves equally often ({agreeing}), on different answers. "
    if mux["tie_break"] == "validation_accuracy":
        own = winner["validation_accuracy"]
        return said + (
            f"Validation accuracy breaks the tie: {model} has the best record of them "
            f"({share(own)})."
        )
    return said + f"Their records do not break the tie, so {model} counts: it stands first."


def _no_agreement(votes: Sequence[Mapping[str, Any]]) -> list[str]:
    most = max(vote["counts"][0]["count"] for vote in votes)
    if most > 1 or max(vote["k"] for vote in votes) == 1:
        return []
    return ["No model gave the same answer twice, so take it with care."]


def _still_open(mux: Mapping[str, Any]) -> list[str]:
    if mux["winner_settled"] or not mux["answer_settled"]:
        return []
    low, high = (share(bound) for bound in mux["confidence_bounds"])
    said = (
        f"The answer is certain, its winner was not: with all draws made {mux['model']} would have "
        f"ended between {low} and {high}, and another model might have been named for the same "
        "answer."
    )
    return [said]


def _part(vote: Mapping[str, Any]) -> Fraction:
    return Fraction(vote["counts"][0]["count"], vote["k"])


def _agreeing(vote: Mapping[str, Any]) -> str:
    return f"{vote['counts'][0]['count']} of {vote['k']}"
