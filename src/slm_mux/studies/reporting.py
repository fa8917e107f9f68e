"""Everything that a report shows of a task, as one document of plain JSON values."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import Chosen
from slm_mux.evaluation.describing import versions
from slm_mux.evaluation.evaluate import evaluate
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.ranking import VALIDATION
from slm_mux.evaluation.sampled import SampledTask
from slm_mux.methods import METHODS
from slm_mux.questions import check_name
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.studies.scaling_task import ScaleRules, scale_task
from slm_mux.studies.searching import search_task
from slm_mux.studies.worst import (
    TextLimits,
    attribution,
    decide_all,
    worst_first,
    worst_questions,
)
from slm_mux.table import VoteTable
from slm_mux.tasks.scoring import Scorer
from slm_mux.wording import counted

MOST_QUESTIONS = 1000


class ReportRules(Struct, frozen=True, kw_only=True):
    """What a report has."""

    scale: ScaleRules = ScaleRules()
    """For the search and the study of scaling."""
    methods: tuple[str, ...] = tuple(METHODS)
    """That are compared; mux always is."""
    worst: int = 20
    """So many of the worst questions, 0 .. `MOST_QUESTIONS`."""
    texts: TextLimits = TextLimits()

    def check(self) -> None:
        """Refuse numbers out of range and unknown methods.

        Raises:
            InvalidRequestError: names the option.
        """
        self.scale.check()
        for method in self.methods:
            check_name("method", method, tuple(METHODS))
        if not 0 <= self.worst <= MOST_QUESTIONS:
            raise InvalidRequestError(
                f"--worst is {self.worst}, but must be in 0 .. {MOST_QUESTIONS:,}"
            )


def report_task(
    store: Store,
    asked: Question,
    rules: ReportRules = ReportRules(),  # noqa: B008 - frozen
    *,
    readers: Readers,
    scorer: Scorer,
    progress: Progress = silent,
    command: str | None = None,
) -> dict[str, Any]:
    """Evaluate, search and study a task's samples, and pick its worst questions. Nothing is drawn.

    A search or a study that these samples do not allow is None, with the reason in `missing`.

    Args:
        store: with the samples.
        asked: task, split (by default test where the task has it, else all), models, draws.
        rules: what the report has.
        readers: of answer kinds.
        scorer: of answers.
        progress: told of reading and scoring.
        command: by which the report is made, for its reader.

    Returns:
        A document of plain JSON values; docs/report.md explains every key.

    Raises:
        StoreError: the store has no such task.
        InvalidRequestError: an option is out of range, samples are missing, or problems were
            stopped early.
        SandboxError: programs must be run, and cannot be run safely here.
    """
    rules.check()
    asked.check()
    tools: dict[str, Any] = {"readers": readers, "scorer": scorer, "progress": progress}
    methods = tuple(name for name in METHODS if name == "mux" or name in rules.methods)
    evaluation = evaluate(store, replace(asked, methods=methods), **tools)
    for name in rules.scale.models or ():
        check_name("model", name, evaluation["models"])
    k: int = evaluation["k"]
    least = rules.scale.search.at_least
    if least is not None and least > k:
        draws = counted(k, "draw")
        raise InvalidRequestError(f"--correct is at-least:{least}, but each model has {draws}")
    missing: dict[str, str] = {}
    search = scale = None
    try:
        search = search_task(
            store, _to_search(store, asked, evaluation), rules.scale.search, **tools
        )
    except InvalidRequestError as error:
        missing["search"] = str(error)
    try:
        scale = scale_task(store, asked, rules.scale, **tools)
    except InvalidRequestError as error:
        missing["scale"] = str(error)
    table, chosen = _table(store, asked, evaluation, tools)
    decided = decide_all(table, k)
    shown = worst_first(decided)[: rules.worst]
    worst, texts = worst_questions(store, table, chosen, shown, k=k, limits=rules.texts)
    parts = {"evaluation": evaluation, "search": search, "scale": scale}
    return {
        "task": asked.task,
        "evaluation": evaluation,
        "attribution": attribution(table, decided, k),
        "search": search,
        "scale": scale,
        "worst": worst,
        "texts": texts,
        "missing": missing,
        "command": command,
        "hashes": {name: part["data"] for name, part in parts.items() if part is not None},
        "versions": versions(),
    }


def _to_search(store: Store, asked: Question, evaluation: dict[str, Any]) -> Question:
    """Search where `scale` does: on validation, unless that is measured or there is none."""
    splits: tuple[str | None, ...] = next(
        info.splits for info in store.tasks() if info.name == asked.task
    )
    elsewhere = VALIDATION in splits and evaluation["split"] not in (None, VALIDATION)
    return replace(asked, split=None if elsewhere else evaluation["split"] or "all")


def _table(
    store: Store, asked: Question, evaluation: dict[str, Any], tools: dict[str, Any]
) -> tuple[VoteTable, Chosen]:
    """Load what was evaluated once more; what was read and scored is in the store by now."""
    work = SampledTask(store, asked, **tools)
    found = work.choose(work.asked_for, without="refuse", also=work.of_validation)
    chosen = found.complete(evaluation["k"])
    accuracies = {each["model"]: each["accuracy"] for each in evaluation["validation_accuracies"]}
    table = work.load(chosen).table
    return table.with_validation_accuracy([accuracies[name] for name in table.models]), chosen
