"""The conditions of an exhibit's figures: what is printed under every table."""

import re
from pathlib import Path
from typing import Any

from slm_mux.discussion.of_pool import workflows_of
from slm_mux.models.catalogue import CATALOGUE
from slm_mux.models.pool import Member
from slm_mux.paper.exhibits import DISCUSSIONS
from slm_mux.paper.planning import Plan
from slm_mux.paper.sections import Found

_QUANTISED = re.compile(
    r"(?<![a-z0-9])(?:i?q[2-8](?:_[a-z0-9]+)*|bf16|f16|f32|fp8|awq|gptq)", re.IGNORECASE
)
UNKNOWN = "not known"


def section(made: Plan, found: Found | None, gap: str | None = None) -> dict[str, Any]:
    """Describe one task of an exhibit.

    Args:
        made: the plan.
        found: what it came to; None: nothing, for the reason that `gap` gives.
        gap: a sentence.

    Returns:
        Plain JSON values; docs/paper.md explains every key.

    Raises:
        PoolError, InvalidRequestError: a method of discussion is set wrongly.
    """
    return {
        "task": made.name,
        "paper_has_it": made.benchmark is not None,
        "gap": gap,
        "blocks": [] if found is None else [block.document() for block in found.blocks],
        "conditions": _conditions(made, found),
        "notes": [] if found is None else list(found.notes),
        "run": None if found is None else found.run,
    }


def quantisation(member: Member) -> str:
    """How a member's weights are quantised, as far as its name or its file's name says."""
    engine = getattr(member.model, "engine", None)
    names = [str(getattr(member.model, "model", "")), member.name]
    if engine is not None:
        source = str(engine.source)
        entry = CATALOGUE.get(source.removeprefix("builtin:"))
        names = [Path(source).name if entry is None else entry.title, *names]
    named = next((match for name in names if (match := _QUANTISED.search(name))), None)
    return UNKNOWN if named is None else named[0].upper()


def _conditions(made: Plan, found: Found | None) -> dict[str, Any]:
    return {
        "split": made.split,
        "problems": None if found is None else found.measured,
        "validation_problems": None if found is None else found.searched,
        "k": made.k if found is None else found.k,
        "validation_k": made.search_k if found is None else found.search_k,
        "seed": made.question().seed_of_all,
        "models": [
            {
                "name": member.name,
                "quantisation": quantisation(member),
                "temperature": member.generation.temperature,
                "max_tokens": member.generation.max_tokens,
                "style": member.style,
            }
            for member in (*made.pool, *([] if made.large is None else [made.large]))
        ],
        "large": None if made.large is None else made.large.name,
        "discussions": {
            workflow.name: workflow.settings()
            for workflow in workflows_of(
                made.pool, [line for line in DISCUSSIONS if line in made.lines]
            )
        },
        "ranking": [] if found is None else list(found.ranking),
        "data": {"source": made.task.source, "sha256": made.task.sha256},
        "paper": {
            "models": made.exhibit.models,
            "temperature": made.exhibit.temperature,
            "k": made.exhibit.draws,
            "discussions": made.exhibit.discussions,
        },
    }
