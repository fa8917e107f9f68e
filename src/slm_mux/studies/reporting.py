"""Everything that a report shows of a task, as one document of plain JSON values."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.describing import versions
from slm_mux.evaluation.evaluate import describe, prepare
from slm_mux.evaluation.loading import Progress, silent
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.ranking import VALIDATION
from slm_mux.evaluation.stopped import stopped_early, were_stopped
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
    prepared = prepare(store, replace(asked, methods=methods), **tools)
    if prepared.stopped:
        early = stopped_early(prepared.found, prepared.k)
        raise InvalidRequestError(
            f"{were_stopped(asked.task, early, prepared.k)}; a report needs every draw: "
            "`slm-mux collect` draws the rest, or give fewer problems with --limit"
        )
    evaluation = describe(store, prepared)
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
    table = prepared.table
    decided = decide_all(table, k)
    shown = worst_first(decided)[: rules.worst]
    worst, texts = worst_questions(store, table, prepared.chosen, shown, k=k, limits=rules.texts)
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
