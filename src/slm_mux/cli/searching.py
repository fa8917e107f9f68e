"""Search, write the pool file, print."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct

from slm_mux.cli.console import messages, print_json, print_line, results
from slm_mux.cli.stored_task import WorkBar, open_store, store_path, stored_name
from slm_mux.collecting.pauses import fewer_pauses
from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.selection import Limits
from slm_mux.studies.pool_writing import check_target, write_pool
from slm_mux.studies.searching import SearchRules, search_task


class Wanted(Struct, frozen=True, kw_only=True):
    """What the command line asks for; None leaves the choice to the rules of each."""

    task: str
    store: Path | None
    pool: Path | None
    split: str | None
    max_models: int
    objective: str
    penalty: float
    correct: str
    cost_limit: float | None
    samples: int | None
    seed: int | None
    node_limit: int | None
    time_limit: float | None
    write: Path | None
    force: bool
    name: str | None

    @property
    def live(self) -> bool:
        """Nothing is drawn."""
        return False

    @property
    def data(self) -> Path | None:
        """A benchmark's data is not needed: the store has its problems."""
        return None


def search_and_show(wanted: Wanted, *, as_json: bool) -> None:
    """Search, write the pool file where one is wanted, print.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    rules = _rules(wanted)
    rules.check()
    if wanted.write is not None:
        check_target(wanted.write, force=wanted.force)
    elif wanted.force:
        raise InvalidRequestError("--force goes with --write")
    pool = None if wanted.pool is None else Pool.load(wanted.pool)
    to_fill_in: list[str] = []
    with (
        closing(Readers()) as readers,
        make_scorer() as scorer,
        open_store(store_path(wanted), wanted) as store,
        WorkBar() as bar,
    ):
        asked = Question(
            task=stored_name(store, wanted),
            split=wanted.split,
            pool=pool,
            samples=wanted.samples,
            seed=wanted.seed,
        )
        with fewer_pauses():
            document = search_task(
                store, asked, rules, readers=readers, scorer=scorer, progress=bar.show
            )
        if wanted.write is not None:
            to_fill_in = write_pool(wanted.write, document, store, pool=pool)
    document["written"] = None if wanted.write is None else str(wanted.write)
    document["to_fill_in"] = to_fill_in
    if as_json:
        print_json(document)
    else:
        _show(document)


def _show(document: dict[str, Any]) -> None:
    from slm_mux.cli.search_display import show_search

    show_search(results(), messages(), document)
    if document["written"] is not None:
        print_line(messages(), f"wrote {document['written']}")
        for sentence in document["to_fill_in"]:
            print_line(messages(), f"to fill in there: {sentence}")


def _rules(wanted: Wanted) -> SearchRules:
    nodes = {} if wanted.node_limit is None else {"nodes": wanted.node_limit}
    return SearchRules(
        objective=wanted.objective,
        penalty=wanted.penalty,
        at_least=_at_least(wanted.correct),
        max_models=wanted.max_models,
        limits=Limits(**nodes, seconds=wanted.time_limit),
        cost_limit=wanted.cost_limit,
    )


def _at_least(correct: str) -> int | None:
    if correct == "modal":
        return None
    match = re.fullmatch(r"at-least:([1-9][0-9]{0,8})", correct)
    if match is None:
        raise InvalidRequestError(
            f"--correct is {correct!r}, but must be modal, or at-least:R with R draws, at least 1"
        )
    return int(match[1])
