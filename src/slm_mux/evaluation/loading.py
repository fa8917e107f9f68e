"""From chosen samples to a vote table: answers and verdicts."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.evaluation.chosen import Chosen
from slm_mux.evaluation.keeping import Notebook
from slm_mux.evaluation.reading import Read, read_samples
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.table import Record, VoteTable, build_table
from slm_mux.tasks.scoring import Scorer
from slm_mux.types import Answer, Missing, Problem

if TYPE_CHECKING:
    from slm_mux.store.rows import DrawRow

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


class Loaded(Struct, frozen=True, kw_only=True):
    """A vote table, and what was read for it."""

    table: VoteTable
    answers: Mapping[int, Answer | None]
    """What was read, by sample id; None is unreadable."""
    provisional_readings: int = 0
    """Samples whose reading met a limit by wall time; not kept in the store."""
    provisional_verdicts: int = 0
    """Distinct answers whose verdict met one, and that count as wrong; not kept in the store."""


def load_table(
    store: Store,
    task: str,
    chosen: Chosen,
    *,
    readers: Readers,
    scorer: Scorer,
    notebook: Notebook | None = None,
    progress: Progress = silent,
) -> Loaded:
    """Read and score what is chosen; what was read and scored before comes from the store.

    Args:
        store: where samples, readings and verdicts are.
        task: its name.
        chosen: its samples.
        readers: of answer kinds.
        scorer: of answers.
        notebook: where what is read and scored is kept; in the store by default.
        progress: told of reading and scoring.

    Raises:
        SandboxError: programs must be run, and cannot be run safely here.
    """
    notebook = notebook or Notebook(store)
    problems = {problem.id: problem for problem in chosen.problems}
    read = read_samples(
        store,
        chosen.rows,
        problems,
        chosen.styles,
        readers=readers,
        notebook=notebook,
        progress=lambda done, total: progress("reading", done, total),
    )
    hits = scorer.statistics().limit_hits
    verdicts = _verdicts(store, chosen, problems, read, scorer, notebook, progress)
    hits = scorer.statistics().limit_hits - hits
    models = {member.model: place for place, member in enumerate(chosen.members)}
    places = {problem.id: place for place, problem in enumerate(chosen.problems)}
    records = [
        Record(
            models[row.member],
            places[row.problem],
            row.draw,
            Missing.FAILED if row.status == "failed" else read.answers[row.sample_id],
            verdicts.get(row.sample_id),
            row.prompt_tokens,
            row.completion_tokens,
        )
        for row in chosen.rows
    ]
    scored = [scorer.can_score(problem) for problem in chosen.problems]
    table = build_table(
        task,
        chosen.problems,
        list(models),
        records,
        scored=scored,
    )
    return Loaded(
        table=table,
        answers=read.answers,
        provisional_readings=len(read.provisional),
        provisional_verdicts=hits,
    )


def _verdicts(
    store: Store,
    chosen: Chosen,
    problems: Mapping[str, Problem],
    read: Read,
    scorer: Scorer,
    notebook: Notebook,
    progress: Progress,
) -> dict[int, bool | None]:
    """Score every readable answer; verdicts that took work are kept in the store."""
    known = store.verdicts(scorer.fingerprint)
    before = set(known)
    verdicts: dict[int, bool | None] = {}
    by_problem: dict[str, list[DrawRow]] = defaultdict(list)
    for row in chosen.rows:
        answer = read.answers.get(row.sample_id)
        if answer is None:
            continue
        if row.sample_id in read.as_given:
            target = problems[row.problem].target
            verdicts[row.sample_id] = None if target is None else answer.key == target
        else:
            by_problem[row.problem].append(row)
    for done, (name, rows) in enumerate(by_problem.items(), 1):
        given = [read.answers[row.sample_id] for row in rows]
        found = scorer.score_many(problems[name], given, known=known)
        verdicts.update((row.sample_id, verdict) for row, verdict in zip(rows, found, strict=True))
        if len(known) > len(before) and (done % 20 == 0 or done == len(by_problem)):
            notebook.put_verdicts(
                scorer.fingerprint, {key: known[key] for key in known.keys() - before}
            )
            before = set(known)
        progress("scoring", done, len(by_problem))
    return verdicts
