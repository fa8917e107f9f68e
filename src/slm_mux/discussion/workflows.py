"""The methods in which models read each other, by name."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from slm_mux.discussion.base import Workflow
from slm_mux.errors import InvalidRequestError

WORKFLOWS: Mapping[str, str] = MappingProxyType(
    {
        "mixture_of_agents": "layers of models that read the layer before; one writes the answer",
        "debate": "every model answers, reads the others, answers again; the last round's majority",
        "multi_agent_verification": "models approve or reject candidates aspect by aspect",
        "universal_self_consistency": "a model picks the most consistent of the answers",
    }
)
"""What each of them does, in one line."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "moa": "mixture_of_agents",
        "mav": "multi_agent_verification",
        "usc": "universal_self_consistency",
    }
)
"""The names that their papers made known."""


def workflow_of(name: str, settings: Mapping[str, Any] | None = None) -> Workflow:
    """Make a workflow.

    Args:
        name: of `WORKFLOWS` or `ALIASES`.
        settings: over its own defaults, as a pool file states them below `methods`.

    Raises:
        InvalidRequestError: there is no such method or setting, or a value that cannot be.
    """
    kind = _class_of(ALIASES.get(name, name))
    known = kind.__struct_fields__
    for key in settings or {}:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}"
            raise InvalidRequestError(f"{name} has no setting {key!r}; {hint}")
    try:
        made: Workflow = msgspec.convert(dict(settings or {}), kind)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"{name}: {error}") from None
    return made


def _class_of(name: str) -> Any:
    if name == "mixture_of_agents":
        from slm_mux.discussion.mixture_of_agents import MixtureOfAgents

        return MixtureOfAgents
    if name == "debate":
        from slm_mux.discussion.debate import Debate

        return Debate
    if name == "multi_agent_verification":
        from slm_mux.discussion.multi_agent_verification import MultiAgentVerification

        return MultiAgentVerification
    if name == "universal_self_consistency":
        from slm_mux.discussion.universal_self_consistency import UniversalSelfConsistency

        return UniversalSelfConsistency
    close = difflib.get_close_matches(name, WORKFLOWS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(WORKFLOWS)}"
    raise InvalidRequestError(f"there is no method {name!r}; {hint}")
