"""How far the outcome of a search is to be trusted, as plain JSON values."""

from typing import Any

import msgspec
from msgspec.structs import replace

from slm_mux.selection import (
    CRITERIA,
    Comparison,
    Gain,
    Records,
    Stability,
    Subset,
    against_peers,
    compare_criteria,
    error_correlation,
    gain,
    stability,
)
from slm_mux.selection.trust import NODES
from slm_mux.studies.rules import SearchRules
from slm_mux.studies.tables import Tables

CONTENDERS_SHOWN = 10

_NOTHING_HELD_OUT = "no other problems are held out: a split named test with samples of all models"


def trust_in(
    tables: Tables, records: Records, subset: Subset, rules: SearchRules, *, seed: int
) -> dict[str, Any]:
    """Say how far a chosen subset is to be trusted.

    Args:
        tables: the studied problems, and those held out.
        records: of the studied problems.
        subset: that was chosen.
        rules: by which.
        seed: of the resampling and of the random subsets.

    Returns:
        By name: `stability` (of the choice), `gain` (over the best single model), `peers` (random
        subsets of similar models), `error_correlation`, `criteria` (what other ones pick). What
        cannot be said is None, with the reason in `missing`.
    """
    models, held_out = tables.studied.models, tables.held_out
    trust: dict[str, Any] = {
        "stability": None,
        "gain": None,
        "peers": None,
        "error_correlation": msgspec.to_builtins(error_correlation(tables.studied)),
        "criteria": None,
        "missing": {},
    }
    missing = trust["missing"]
    if rules.objective != "objective":
        missing["stability"] = "the bootstrap is of the paper's objective, and another was searched"
    elif _choices(records, rules.max_models) < 2:
        missing["stability"] = "there is one subset to choose"
    else:
        limits = replace(rules.limits, nodes=min(NODES, rules.limits.nodes))
        found = stability(records, max_models=rules.max_models, seed=seed, limits=limits)
        trust["stability"] = _of_stability(found, models)
    if held_out is None:
        missing.update(dict.fromkeys(("gain", "peers", "criteria"), _NOTHING_HELD_OUT))
        return trust
    trust["gain"] = _of_gain(gain(held_out, subset, seed=seed), models)
    if len(subset) < len(models):
        trust["peers"] = _named(against_peers(held_out, subset, seed=seed), models)
    else:
        missing["peers"] = "all models are in the subset, so there is no other one of its size"
    if len(models) == 1:
        missing["criteria"] = "there is one model, which every criterion picks"
        return trust
    compared = compare_criteria(
        tables.studied,
        held_out,
        # Focal diversity judges pairs and larger subsets.
        criteria=CRITERIA if rules.max_models > 1 else CRITERIA[:2],
        max_models=rules.max_models,
        penalty=rules.penalty,
        at_least=rules.at_least,
        seed=seed,
        limits=rules.limits,
    )
    trust["criteria"] = _of_comparison(compared, models)
    return trust


def _choices(records: Records, max_models: int) -> int:
    """Count the subsets, at most 2; models with identical records count once."""
    return min(2, len(records.identical()) * min(max_models, records.models))


def _of_stability(found: Stability, models: tuple[str, ...]) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(found)
    shown = found.contenders[:CONTENDERS_SHOWN]
    document["contenders"] = [_named(contender, models) for contender in shown]
    return document


def _of_gain(found: Gain, models: tuple[str, ...]) -> dict[str, Any]:
    return _named(found, models) | {"best": models[found.best]}


def _of_comparison(found: Comparison, models: tuple[str, ...]) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(found)
    document["picks"] = [_named(pick, models) for pick in found.picks]
    return document


def _named(found: Any, models: tuple[str, ...]) -> dict[str, Any]:
    """Turn into plain values, with names for the subset's positions."""
    document: dict[str, Any] = msgspec.to_builtins(found)
    return document | {"models": [models[m] for m in found.models]}
