"""The samples that a study rests on: k draws of the same models on every problem of a part."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import Chosen, no_samples_at_all
from slm_mux.evaluation.loading import Loaded
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.sampled import SampledTask
from slm_mux.evaluation.stopped import split_not_used, stopped_early, were_stopped
from slm_mux.table import VoteTable
from slm_mux.types import Problem
from slm_mux.wording import counted


class Part(Struct, frozen=True, kw_only=True, eq=False):
    """Problems with their samples, read and scored."""

    found: Chosen
    """All samples of these problems."""
    chosen: Chosen
    """Those on problems that have k draws of every model."""
    loaded: Loaded
    """The table of the latter."""
    k: int

    @property
    def left_out(self) -> int:
        """Problems on which some model has fewer than k draws."""
        return len(self.found.problems) - len(self.chosen.problems)

    @property
    def provisional(self) -> int:
        """Readings and verdicts that a limit of wall time ended."""
        return self.loaded.provisional_readings + self.loaded.provisional_verdicts


def studied_part(
    work: SampledTask, asked: Question, *, also: Sequence[Problem] = (), found: Chosen | None = None
) -> Part:
    """Load the problems that are asked for.

    Args:
        work: of the task.
        asked: draws and models.
        also: problems on which a name is to have one way of asking, too.
        found: their samples, where they are known already.

    Raises:
        InvalidRequestError: samples are missing, problems were stopped early, or none is scored.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    if found is None:
        found = work.choose(work.asked_for, without="refuse", also=also)
    where = asked.task if work.split is None else f"{asked.task}, split {work.split}"
    if not found.rows:
        raise InvalidRequestError(
            no_samples_at_all(asked.task, asked.pool, work.known)
            if work.asked_for
            else f"{where}: there are no problems in this store"
        )
    k = asked.k or max(1, found.usual_draws())
    if early := stopped_early(found, k):
        raise InvalidRequestError(
            f"{were_stopped(where, early, k)}, and which draws are missing depends on the models; "
            "`slm-mux collect` draws the rest"
        )
    chosen = found.complete(k)
    if not chosen.problems:
        raise InvalidRequestError(_none_shared(where, found, k))
    loaded = work.load(chosen)
    if not loaded.table.scored.any():
        raise InvalidRequestError(
            f"{where}: none of {counted(len(chosen.problems), 'problem')} can be scored (no "
            "target, or one that cannot be read), so no model is better than another; add the "
            "targets to the data, and collect or import it again"
        )
    return Part(found=found, chosen=chosen, loaded=loaded, k=k)


def other_part(
    work: SampledTask, problems: Sequence[Problem], split: str, models: Sequence[str], k: int
) -> tuple[Part | None, list[str]]:
    """Load another split for the same models and draws, or say why it cannot serve.

    Args:
        work: of the task.
        problems: all of the split.
        split: its name.
        models: that are studied.
        k: draws of each.

    Returns:
        The part, or None; and what is to be said of it.

    Raises:
        InvalidRequestError: one name stands for several settings.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    found = work.choose(problems, without="leave out", also=work.asked_for)
    found = found.with_members(lambda name: name in models)
    there = {member.model for member in found.members}
    if lacking := [name for name in models if name not in there]:
        who = ", ".join(lacking) if there else "any model"
        return None, [f"the split {split} is not used: there are no samples of {who} on it"]
    if early := stopped_early(found, k):
        return None, [split_not_used(f"the split {split}", early)]
    chosen = found.complete(k)
    if not chosen.problems:
        lacking_draws = f"no problem of it has {counted(k, 'draw')} of every model"
        return None, [f"the split {split} is not used: {lacking_draws}"]
    loaded = work.load(chosen)
    if not loaded.table.scored.any():
        return None, [f"the split {split} is not used: none of its problems can be scored"]
    notes = []
    if left := len(problems) - len(chosen.problems):
        notes.append(
            f"{counted(left, 'problem')} of the split {split} {'is' if left == 1 else 'are'} left "
            f"out: on each, some model has fewer than {counted(k, 'draw')}"
        )
    if unscored := int((~loaded.table.scored).sum()):
        notes.append(f"{counted(unscored, 'problem')} of the split {split} cannot be scored")
    return Part(found=found, chosen=chosen, loaded=loaded, k=k), notes


def draws_notes(table: VoteTable, k: int) -> list[str]:
    """Say that a model has draws beyond the first k, which do not count."""
    if all(draws == k for draws in table.k):
        return []
    if len(set(table.k)) == 1:
        return [f"the first {k} of {table.k[0]} draws count"]
    each = ", ".join(f"{name} {n}" for name, n in zip(table.models, table.k, strict=True))
    return [f"the models have unequal draws ({each}): the first {k} of each count"]


def unreadable_notes(table: VoteTable) -> list[str]:
    """Name the models of which nothing could be read."""
    silent_ones = [
        name
        for name, counts in zip(table.models, table.candidates().count, strict=True)
        if not counts.any()
    ]
    if not silent_ones:
        return []
    if len(silent_ones) == len(table.models):
        return ["no draw of any model has a readable answer, so that every figure is 0"]
    return [f"{', '.join(silent_ones)}: not one draw has a readable answer"]


def members_of(work: SampledTask, parts: Sequence[Part]) -> tuple[dict[str, Any], ...]:
    """Describe how each model of some parts was asked."""
    described = (each for part in parts for each in work.members_of(part.chosen))
    return tuple({each["name"]: each for each in described}.values())


def _none_shared(where: str, found: Chosen, k: int) -> str:
    have = {
        member.model: sum(count >= k for count in found.counts[member.model].values())
        for member in found.members
    }
    each = ", ".join(f"{name} on {count:,}" for name, count in have.items())
    return (
        f"{where}: no problem has {counted(k, 'draw')} of every model (there are: {each}); models "
        "are compared on problems that they share: give a smaller --samples, or --pool with the "
        "models to compare, or collect the rest"
    )
