"""Search, write the pool file, print."""

from pathlib import Path
from typing import Any

from slm_mux.cli.console import messages, print_json, print_line, results
from slm_mux.cli.options import check_output
from slm_mux.cli.studying import StudyWanted, study_of
from slm_mux.errors import InvalidRequestError
from slm_mux.selection import Limits
from slm_mux.studies.pool_writing import write_pool
from slm_mux.studies.rules import SearchRules
from slm_mux.studies.searching import search_task


class Wanted(StudyWanted, frozen=True, kw_only=True):
    """What the command line asks for; None leaves the choice to the rules of each."""

    cost_limit: float | None
    node_limit: int | None
    time_limit: float | None
    write: Path | None
    force: bool


def search_and_show(wanted: Wanted, *, as_json: bool) -> None:
    """Search, write the pool file where one is wanted, print.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    rules = _rules(wanted)
    rules.check()
    if wanted.write is not None:
        check_output(wanted.write, "--write", force=wanted.force)
    elif wanted.force:
        raise InvalidRequestError("--force goes with --write")
    to_fill_in: list[str] = []
    with study_of(wanted) as study:
        document = search_task(
            study.store,
            study.asked,
            rules,
            readers=study.readers,
            scorer=study.scorer,
            progress=study.progress,
        )
        if wanted.write is not None:
            to_fill_in = write_pool(wanted.write, document, study.store, pool=study.asked.pool)
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
    return wanted.search_rules(
        limits=Limits(**nodes, seconds=wanted.time_limit), cost_limit=wanted.cost_limit
    )
