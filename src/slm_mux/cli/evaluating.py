"""Evaluate, live or from the store; print, save and show runs again."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from msgspec import Struct
from msgspec.structs import replace

from slm_mux.cli.console import FAILED, messages, print_json, print_line, results
from slm_mux.cli.evaluation_failures import (
    check_figures,
    complaint_about,
    explaining_given_up,
)
from slm_mux.cli.options import DEFAULT_STORE, with_checked_methods
from slm_mux.cli.pauses import fewer_pauses
from slm_mux.cli.stored_task import (
    WorkBar,
    open_store,
    store_path,
    store_with_runs,
    stored_name,
)
from slm_mux.discussion.workflows import ALIASES, WORKFLOWS
from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.evaluation.discussed import judge
from slm_mux.evaluation.evaluate import Prepared, describe, prepare
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.methods import METHODS
from slm_mux.readers import Readers
from slm_mux.store.store import Store

if TYPE_CHECKING:
    from slm_mux.cli.evaluating_live import Drawn
    from slm_mux.collecting.counts import Collected
    from slm_mux.collecting.holding import Held
    from slm_mux.discussion.base import Workflow
    from slm_mux.models.pool import Pool


ALL = "all"
"""Every method."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What the command line asks for; None leaves the choice to the rules of each."""

    task: str
    pool: Path | None
    store: Path | None
    split: str | None
    methods: tuple[str, ...]
    offline: bool
    samples: int | None
    stopping: str | None
    limit: int | None
    seed: int | None
    allow_failures: float
    data: Path | None
    name: str | None = None
    retry_failed: bool = False
    budget: float | None = None
    can_draw: ClassVar[bool] = True

    @property
    def live(self) -> bool:
        """Whether draws may be made: without a pool file there is nobody to ask."""
        return self.pool is not None and not self.offline

    @property
    def counting(self) -> tuple[str, ...]:
        """The methods that count votes; all of them where none is named."""
        if not self.methods or ALL in self.methods:
            return tuple(METHODS)
        return tuple(name for name in self.methods if name in METHODS)

    @property
    def discussing(self) -> tuple[str, ...]:
        """The methods in which models read each other; none where none is named."""
        if ALL in self.methods:
            return tuple(WORKFLOWS)
        named = (ALIASES.get(name, name) for name in self.methods if name not in METHODS)
        return tuple(dict.fromkeys(named))

    @property
    def stops_early(self) -> bool:
        """Whether what cannot change mux's answer is not drawn."""
        return self.stopping in ("eager", "frugal")


def evaluate_and_show(wanted: Wanted, *, as_json: bool) -> None:
    """Evaluate, save the run, print it.

    Raises:
        typer.Exit: 1 when too many draws failed, or a model was given up.
        SlmMuxError: as the parts raise it.
    """
    _check(wanted)
    pool = _pool(wanted)
    workflows = [] if pool is None or not wanted.discussing else _workflows(wanted, pool)
    question = _question(wanted, pool)
    question.check()
    path = store_path(wanted)
    outcome: list[Collected] = []
    first: Drawn | None = None
    with (
        closing(Readers()) as readers,
        make_scorer() as scorer,
        open_store(path, wanted) as store,
        WorkBar() as bar,
    ):
        if pool is not None and wanted.live:
            from slm_mux.cli.collecting_tables import tell_failures
            from slm_mux.cli.evaluating_live import draw

            first = draw(store, wanted, pool, question, readers, scorer, as_json=as_json)
            question, outcome = first.question, first.outcome
            tell_failures(messages(), outcome, again="the same command")
        else:
            question = replace(question, task=stored_name(store, wanted))

        def prepare_now() -> Prepared:
            with fewer_pauses(), explaining_given_up(question.task, outcome, wanted):
                return prepare(store, question, readers=readers, scorer=scorer, progress=bar.show)

        prepared = prepare_now()
        if pool is not None and first is not None and wanted.budget is not None:
            from slm_mux.cli.evaluating_budget import draw_affordable

            bar.stop()
            prepared = draw_affordable(
                store,
                wanted,
                pool,
                first.collecting,
                prepared,
                readers,
                outcome,
                again=prepare_now,
                as_json=as_json,
            )
        drawn: list[Collected] = []
        held: list[Held] = []
        if pool is not None and workflows:
            from slm_mux.cli.collecting_tables import tell_failures
            from slm_mux.cli.discussing import hold_discussions

            bar.stop()
            held, drawn = hold_discussions(
                store,
                pool,
                prepared,
                workflows,
                readers,
                outcome,
                live=wanted.live,
                retry_failed=wanted.retry_failed,
                as_json=as_json,
            )
            tell_failures(messages(), drawn, again="the same command")
        with fewer_pauses(), explaining_given_up(question.task, outcome, wanted):
            judged = judge(prepared, held, store=store, scorer=scorer)
            document = describe(store, prepared, judged)
        check_figures(store, document, outcome, wanted)
        _save(store, wanted, document)
    if as_json:
        print_json(document)
    else:
        _show(document)
        if document["run"] is not None:
            option = "" if path == DEFAULT_STORE else f" --store {path}"
            print_line(
                messages(), f"saved: `slm-mux runs {document['run']}{option}` shows it again"
            )
    if complaint := complaint_about(document, [*outcome, *drawn], wanted):
        print_line(messages(), complaint, style="red")
        raise typer.Exit(FAILED)


def show_runs(path: Path | None, number: int | None, *, as_json: bool) -> None:
    """List the saved runs, or print one again.

    Raises:
        StoreError: there is no such store or run.
    """
    with Store.open_to_read(path or store_with_runs()) as store:
        if number is None:
            from slm_mux.cli.evaluation_display import show_list

            show_list(results(), store.runs(), as_json=as_json)
            return
        document = {**store.run(number), "run": number}
    if as_json:
        print_json(document)
    else:
        _show(document)


def _show(document: dict[str, Any]) -> None:
    from slm_mux.cli.evaluation_display import show_document

    show_document(results(), messages(), document)


def _save(store: Store, wanted: Wanted, document: dict[str, Any]) -> None:
    document["settings"]["stopping"] = wanted.stopping if wanted.live else None
    document["run"] = None
    if store.read_only:
        return
    try:
        document["run"] = store.put_run({"command": "eval", **document})
    except StoreError as error:
        # The figures are there, and may have taken long.
        document["notes"].append(f"the run is not saved: {error}")


def _check(wanted: Wanted) -> None:
    if wanted.methods or (wanted.samples, wanted.stopping, wanted.seed) != (None, None, None):
        from slm_mux.questions import check_name, check_options

        check_options(samples=wanted.samples, stopping=wanted.stopping, seed=wanted.seed)
        for method in wanted.methods:
            check_name("method", method, (*METHODS, *WORKFLOWS, *ALIASES, ALL))
    if not 0 <= wanted.allow_failures <= 1:
        raise InvalidRequestError(
            f"--allow-failures is {wanted.allow_failures}, but must be a share between 0 and 1"
        )
    if wanted.limit is not None and wanted.limit < 1:
        raise InvalidRequestError(f"--limit is {wanted.limit}, but must be at least 1")
    for option, given in (
        ("--stopping", wanted.stopping is not None),
        ("--retry-failed", wanted.retry_failed),
    ):
        if given and not wanted.live:
            raise InvalidRequestError(
                f"{option} is for live evaluation: give --pool, not --offline"
            )
    if wanted.discussing and wanted.pool is None:
        raise InvalidRequestError(
            f"--method {wanted.discussing[0]} goes with --pool FILE: what models are asked there "
            "depends on their settings (with --offline nothing is drawn)"
        )
    if wanted.budget is not None and wanted.stops_early:
        raise InvalidRequestError(
            f"--budget does not go with --stopping {wanted.stopping}: what a question costs is "
            "known when all its draws are there"
        )
    if wanted.stops_early and wanted.methods != ("mux",):
        raise InvalidRequestError(
            f"--stopping {wanted.stopping} goes with --method mux alone: the other methods need "
            "every draw"
        )


def _pool(wanted: Wanted) -> "Pool | None":
    if wanted.pool is None:
        return None
    from slm_mux.models.pool import Pool

    return with_checked_methods(Pool.load(wanted.pool))


def _workflows(wanted: Wanted, pool: "Pool") -> "list[Workflow]":
    from slm_mux.discussion.of_pool import workflows_of

    return workflows_of(pool, wanted.discussing)


def _question(wanted: Wanted, pool: "Pool | None") -> Question:
    return Question(
        task=wanted.task,
        split=wanted.split,
        limit=wanted.limit,
        pool=pool,
        methods=wanted.counting,
        workflows=wanted.discussing,
        budget=wanted.budget,
        samples=wanted.samples,
        seed=wanted.seed,
    )
