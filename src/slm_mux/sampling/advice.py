"""What a user should know about a decision besides the decision."""

import re
from collections.abc import Iterable, Sequence

from slm_mux.models.base import Model
from slm_mux.sampling.plan import Plan
from slm_mux.types import Sample


def plan_warnings(plans: Sequence[Plan]) -> list[str]:
    """Warn of settings under which confidence says little."""
    warnings = []
    alike = [
        plan.model.name
        for plan in plans
        if plan.generation.temperature == 0 and len(plan.seeds) > 1
    ]
    if alike:
        warnings.append(
            f"temperature 0 for {', '.join(alike)}: the draws may be identical, and then the "
            "confidence says nothing"
        )
    if len(plans) > 1 and all(len(plan.seeds) == 1 for plan in plans):
        warnings.append(
            "one draw per model: every readable answer has confidence 1, so the best record decides"
        )
    return warnings


def reply_warnings(models: Iterable[Model], samples: Iterable[Sample]) -> list[str]:
    """Warn of endpoints that answered as another model than the one asked for.

    Args:
        models: that were asked.
        samples: of all of them.
    """
    served: dict[str, set[str]] = {}
    for sample in samples:
        if sample.completion is not None and sample.completion.served_model:
            served.setdefault(sample.model, set()).add(sample.completion.served_model)
    warnings = []
    for model in models:
        asked = getattr(model, "model", None)
        if asked is None:
            continue
        others = sorted(one for one in served.get(model.name, ()) if not _same_model(asked, one))
        if others:
            warnings.append(
                f"{model.name}: asked for {asked!r}, the endpoint answered as "
                f"{', '.join(map(repr, others))}"
            )
    return warnings


def _same_model(asked: str, served: str) -> bool:
    """Whether two names may mean one model.

    Hosted models answer under a dated name (asked for gpt-4o, it is gpt-4o-2024-08-06), and servers
    of files under the file's path.
    """
    one, other = sorted(
        (
            name.lower().rstrip("/").rpartition("/")[2].removesuffix(".gguf")
            for name in (asked, served)
        ),
        key=len,
    )
    return other == one or re.match(re.escape(one) + "[-:@._]", other) is not None
