"""What an evaluation says beside its figures: notes, the hash of the data, versions."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from operator import itemgetter
from typing import Any

import msgspec

from slm_mux.evaluation.chosen import Chosen
from slm_mux.evaluation.loading import Loaded
from slm_mux.evaluation.ranking import Record
from slm_mux.store.store import Store
from slm_mux.table import FAILED, VoteTable
from slm_mux.wording import counted


def failed_share(table: VoteTable, k: int) -> float:
    """The share that failed, of the first k draws of every model that were made."""
    first = table.klass[:, :, :k]
    drawn = int((first >= FAILED).sum())
    return int((first == FAILED).sum()) / drawn if drawn else 0.0


def unscored_in(table: VoteTable) -> list[str]:
    """Name the problems that cannot be scored."""
    return [name for name, can in zip(table.problems, table.scored, strict=True) if not can]


def notes_of(
    found: Chosen,
    table: VoteTable,
    records: Sequence[Record],
    k: int,
    *,
    stopped: bool,
    validation: Sequence[str],
    discussed: Sequence[str] = (),
    provisional: int,
    unkept: str | None,
) -> list[str]:
    """What a reader of the figures has to know, in sentences.

    Args:
        found: everything that was chosen.
        table: what of it is evaluated.
        records: validation accuracies.
        k: draws of each model.
        stopped: whether draws that could not change mux's answer may be missing.
        validation: what is to be said of the validation split.
        discussed: methods in which models read each other.
        provisional: readings and verdicts that a limit of wall time ended.
        unkept: why what was read could not be kept; None: it could.
    """
    notes = [
        f"{before} is {name} under an earlier name: their samples are the same ones"
        for before, name in found.folded.items()
        if name in table.models
    ]
    if found.without_samples:
        names = ", ".join(found.without_samples)
        notes.append(f"{names}: no samples of these problems, so left out")
    if left := len(found.problems) - len(table.problems):
        notes.append(
            f"{counted(left, 'problem is', 'problems are')} left out: on each, some model has "
            f"fewer than {counted(k, 'draw')}"
            + (", which could change mux's answer" if stopped else "")
            + "; `slm-mux collect` draws the rest"
        )
    if found.without_draws:
        notes.append(f"{counted(found.without_draws, 'problem was', 'problems were')} never asked")
    more = [f"{name} {draws}" for name, draws in zip(table.models, table.k, strict=True)]
    if any(draws > k for draws in table.k):
        notes.append(
            f"the models have unequal draws ({', '.join(more)}): the first {k} of each count, and "
            "more only for self_consistency"
            if len(set(table.k)) > 1
            else f"the first {k} of {table.k[0]} draws count; more only for self_consistency"
        )
    if unscored := len(table.problems) - int(table.scored.sum()):
        notes.append(
            f"{counted(unscored, 'problem')} cannot be scored: no target, or one that cannot be "
            "read"
        )
    notes += validation
    leaking = [record.model for record in records if record.leaks]
    if leaking:
        every = " (all models, since not each has another accuracy)" if len(leaking) > 1 else ""
        notes.append(
            f"{', '.join(leaking)}: ranked by the accuracy on the evaluated problems themselves"
            f"{every}, which leaks; collect a validation split, or state validation_accuracy in a "
            "pool file"
        )
    unranked = [record.model for record in records if record.accuracy is None]
    if unranked:
        notes.append(f"{', '.join(unranked)}: no validation accuracy, so ranked last")
    if discussed and len(table.models) == 1:
        # What asks models need not be loaded for votes.
        from slm_mux.mux.discussing import ALONE

        notes.append(f"{', '.join(discussed)}: {ALONE}")
    if provisional:
        notes.append(
            f"{counted(provisional, 'answer')} took longer than the limit, counted as unreadable "
            "or wrong, and will be tried again by the next evaluation (a busy machine can be the "
            "reason)"
        )
    if unkept is not None:
        notes.append(f"what was read is not kept for the next time: {unkept}")
    return notes


def data_of(
    store: Store,
    task: str,
    table: VoteTable,
    parts: Sequence[tuple[Chosen, Loaded]],
    records: Sequence[Record],
    discussions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Name the data: where the problems came from, and a hash of all that the figures rest on.

    The hash is over the problems and, for each draw, how it ended, what was read and its tokens;
    and over what ranks the models. It does not depend on the store that they lie in.

    Args:
        store: with the task.
        task: its name.
        table: the problems that are evaluated.
        parts: the evaluated samples, then those of the validation split where it ranks models.
        records: validation accuracies.
        discussions: what the document says of them, by method; None: there are none.
    """
    info = next(info for info in store.tasks() if info.name == task)
    digest = hashlib.blake2b(digest_size=16)
    for place, (chosen, loaded) in enumerate(parts):
        kept = {problem.id for problem in chosen.problems}
        if place == 0:
            kept.intersection_update(table.problems)
        digest.update(msgspec.json.encode([one for one in chosen.problems if one.id in kept]))
        draws = []
        for row in chosen.rows:
            if row.problem in kept:
                answer = loaded.answers.get(row.sample_id)
                ended = row.status if answer is None else (answer.text, answer.key)
                spent = (row.prompt_tokens, row.completion_tokens)
                draws.append((row.problem, row.member, row.draw, ended, spent))
        # Whatever order the store gives the members.
        draws.sort(key=itemgetter(0, 1, 2))
        digest.update(repr(draws).encode("utf-8", "backslashreplace"))
    ranks = [(one.model, one.accuracy, one.problems, one.leaks) for one in records]
    digest.update(repr(ranks).encode("utf-8", "backslashreplace"))
    if discussions:
        # What serves a model is in the address of a turn, but not in the figures.
        plain = _without(discussions, "series")
        digest.update(msgspec.json.encode(plain, order="deterministic"))
    return {
        "source": info.source,
        "sha256": info.sha256,
        "samples": f"blake2b-128:{digest.hexdigest()}",
    }


def _without(value: Any, name: str) -> Any:
    """The same JSON value without the keys of that name."""
    if isinstance(value, list):
        return [_without(item, name) for item in value]
    if isinstance(value, Mapping):
        return {key: _without(item, name) for key, item in value.items() if key != name}
    return value


def versions() -> dict[str, str]:
    """The versions of what the figures depend on."""
    packages = ("slm-mux", "sympy", "math-verify", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
