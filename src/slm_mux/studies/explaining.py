"""Why a saved run failed where it failed, as the document that `slm-mux explain` prints."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from slm_mux.dissecting.turns import Held, held_in
from slm_mux.errors import InvalidRequestError, SlmMuxError, StoreError
from slm_mux.evaluation.describing import versions
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.studies.discussed_texts import worst_discussions
from slm_mux.studies.explaining_methods import EXPLAINED, Around, explained
from slm_mux.studies.run_samples import (
    RunSamples,
    confidences_in,
    mux_failures,
    samples_of_run,
)
from slm_mux.tasks.scoring import Scorer
from slm_mux.voting import rank_by_record

_NEEDED = (
    *("task", "split", "problems", "k", "models", "methods"),
    *("validation_accuracies", "unscored", "settings"),
)


class ExplainRules(Struct, frozen=True, kw_only=True):
    """What of a run is explained."""

    methods: tuple[str, ...] = ()
    """Only these of its discussions; empty: all."""
    worst: int = 0
    """How many failures of each method are told with their texts; >= 0."""

    def check(self) -> None:
        """Refuse numbers out of range.

        Raises:
            InvalidRequestError: names the option.
        """
        if self.worst < 0:
            raise InvalidRequestError(f"--worst is {self.worst}, but must be at least 0")


def explain_run(
    store: Store,
    number: int,
    rules: ExplainRules = ExplainRules(),  # noqa: B008 - frozen
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Explain a saved run: mux's failures, and those of its discussions. Nothing is drawn.

    Args:
        store: with the run and its samples.
        number: of the run, as `Store.runs` lists it.
        rules: what is explained.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.

    Returns:
        A document of plain JSON values; docs/explaining.md explains every key.

    Raises:
        StoreError: there is no such run, it cannot be read, or a text that is wanted is not there.
        InvalidRequestError: the run has no discussion of a method that is asked for, or nothing of
            it can be explained.
    """
    rules.check()
    run = run_to_explain(store, number)
    held = discussions_of(run, rules.methods)
    notes: list[str] = []
    samples, reason = _samples(store, run, readers=readers, scorer=scorer, progress=progress)
    mux: dict[str, Any] | None = None
    if samples is not None:
        try:
            mux, notes = mux_failures(samples, run)
        except InvalidRequestError as error:
            reason = str(error)
    if mux is None and not held:
        raise InvalidRequestError(f"run {number}: {reason}; {_how_to_discuss(run)}")
    around = _around(run, samples, mux)
    if not held:
        notes.append(f"the run has no discussions; {_how_to_discuss(run)}")
    return {
        "run": number,
        **{key: run[key] for key in ("task", "split", "problems", "k", "models")},
        "ranking": list(around.ranking),
        "unscored": run["unscored"],
        "mux": mux,
        "mux_reason": reason,
        "discussions": {
            method: {
                "settings": run["discussions"][method].get("settings", {}),
                "breaches": run["discussions"][method].get("breaches", {}),
                "reason": _reason(run, method),
                **explained(method, found, around),
            }
            for method, found in held.items()
        },
        "worst": {
            method: worst_discussions(store, run["task"], method, found, rules.worst)
            for method, found in held.items()
        },
        "versions": versions(),
        "notes": notes,
    }


def run_to_explain(store: Store, number: int) -> dict[str, Any]:
    """Load a run's document.

    Raises:
        StoreError: there is no such run, or it is not one of `eval`.
    """
    run = store.run(number)
    if missing := [key for key in _NEEDED if key not in run]:
        raise StoreError(
            f"run {number} cannot be explained: it has no {', '.join(missing)}, as a run of "
            "`slm-mux eval` has"
        )
    return run


def discussions_of(
    run: Mapping[str, Any], methods: tuple[str, ...] = ()
) -> dict[str, tuple[Held, ...]]:
    """Read a run's discussions on scored problems, by method.

    Args:
        run: its document.
        methods: only these; empty: all that the run has.

    Raises:
        StoreError: they are not what an evaluation writes.
        InvalidRequestError: the run has none of a method that is asked for.
    """
    saved = run.get("discussions") or {}
    for method in methods:
        if method not in saved:
            has = ", ".join(saved) or "none"
            raise InvalidRequestError(
                f"the run has no discussions of {method} (it has: {has}); "
                + _how_to_discuss(run, method)
            )
    return {
        method: held_in(saved[method]["problems"], run["unscored"])
        for method in saved
        if method in EXPLAINED and (not methods or method in methods)
    }


def _reason(run: Mapping[str, Any], method: str) -> str | None:
    """Why the run has no figures of a method; None: it has."""
    rows = (row for row in run["methods"] if row["method"] == method)
    reason: str | None = next((row.get("reason") for row in rows), None)
    return reason


def _samples(
    store: Store,
    run: Mapping[str, Any],
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress,
) -> tuple[RunSamples | None, str | None]:
    """Load the run's samples, or say why that cannot be: discussions do not need them."""
    try:
        return (
            samples_of_run(store, run, readers=readers, scorer=scorer, progress=progress),
            None,
        )
    except SlmMuxError as error:
        return None, str(error)


def _around(
    run: Mapping[str, Any], samples: RunSamples | None, mux: Mapping[str, Any] | None
) -> Around:
    records = run["validation_accuracies"]
    order = rank_by_record([each["accuracy"] for each in records])
    mux_right: dict[str, bool] | None = None
    if mux is not None:
        wrong = {name for kind in mux["kinds"] for name in kind["problems"]}
        mux_right = {name: name not in wrong for name in mux["scored"]}
    return Around(
        ranking=tuple(records[place]["model"] for place in order),
        models=tuple(run["models"]),
        confidences={} if samples is None else confidences_in(samples.table),
        mux_right=mux_right,
    )


def _how_to_discuss(run: Mapping[str, Any], method: str = "debate") -> str:
    pool = run["settings"].get("pool") or "POOL.yaml"
    return (
        f"`slm-mux eval {run['task']} --pool {pool} --method mux --method {method}` makes a run "
        "that has them"
    )
