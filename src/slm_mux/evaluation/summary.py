"""What each model's samples are worth by themselves: readable, right, confident."""

import warnings
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.errors import SandboxError
from slm_mux.evaluation.chosen import Chosen
from slm_mux.evaluation.loading import load_table
from slm_mux.evaluation.ranking import Stated
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.pool import Member
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.table import FAILED
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Problem


class UnreadProgramsWarning(UserWarning):
    """Programs were drawn that cannot be run safely here, so nothing is known of their answers."""


class ModelSummary(Struct, frozen=True, kw_only=True):
    """One model's samples of a task. None: there is nothing to take it from."""

    model: str
    completed: int
    failed: int
    readable: float | None
    """Share of completed draws with an answer."""
    accuracy: float | None
    """Share of scored problems whose candidate is right, over all draws there are."""
    confidence: float | None
    """Mean over problems of the candidate's count / draws."""
    tokens: float | None
    """Prompt and completion tokens of all draws that report them."""


def summarise_samples(
    store: Store,
    task: str,
    members: Sequence[tuple[Member, Sequence[str]]],
    problems: Sequence[Problem],
    *,
    readers: Readers,
) -> list[ModelSummary]:
    """Summarise each member's samples of some problems.

    Args:
        store: with the samples.
        task: its name.
        members: with the digests of their series.
        problems: of which the samples are.
        readers: of answer kinds.
    """
    with make_scorer() as scorer:
        return [
            _summary(store, task, member, digests, problems, readers, scorer)
            for member, digests in members
        ]


def _summary(
    store: Store,
    task: str,
    member: Member,
    digests: Sequence[str],
    problems: Sequence[Problem],
    readers: Readers,
    scorer: Scorer,
) -> ModelSummary:
    wanted = {problem.id for problem in problems}
    # Another problem of the task may be the same question, and have the same samples.
    rows = [
        row
        for row in store.draw_rows(task, members=[member.name], series=digests)
        if row.problem in wanted
    ]
    asked = {row.problem for row in rows}
    chosen = Chosen(
        members=(Stated(model=member.name),),
        problems=tuple(problem for problem in problems if problem.id in asked),
        rows=tuple(rows),
        styles={row.member_id: member.style for row in rows},
    )
    completed = sum(row.status == "completed" for row in rows)
    tokens = [
        (row.prompt_tokens or 0) + row.completion_tokens
        for row in rows
        if row.completion_tokens is not None
    ]
    base = ModelSummary(
        model=member.name,
        completed=completed,
        failed=len(rows) - completed,
        readable=None,
        accuracy=None,
        confidence=None,
        tokens=sum(tokens) if tokens else None,
    )
    if not completed:
        return base
    try:
        table = load_table(store, task, chosen, readers=readers, scorer=scorer).table
    except SandboxError as error:
        warnings.warn(str(error), UnreadProgramsWarning, stacklevel=2)
        return base
    candidates = table.candidates()
    drawn = (table.klass[0] >= FAILED).sum(axis=1)
    readable = int((table.klass[0] >= 0).sum())
    return replace(
        base,
        readable=readable / completed,
        accuracy=table.accuracies()[0],
        confidence=float((candidates.count[0] / drawn).mean()),
    )
