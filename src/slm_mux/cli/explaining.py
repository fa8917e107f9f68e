"""Explain a saved run, print."""

import difflib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.cli.console import messages, print_json, results
from slm_mux.cli.pauses import fewer_pauses
from slm_mux.cli.stored_task import WorkBar, store_with_runs
from slm_mux.discussion.workflows import ALIASES, WORKFLOWS
from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.studies.explaining import ExplainRules, explain_run

if TYPE_CHECKING:
    from slm_mux.cli.labelling import Labeller


class Wanted(Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    run: int
    store: Path | None
    methods: tuple[str, ...]
    worst: int
    label_with: Path | None = None
    labeller: str | None = None

    def rules(self) -> ExplainRules:
        """Put together what is explained.

        Raises:
            InvalidRequestError: an unknown method, or a number out of range.
        """
        rules = ExplainRules(methods=tuple(map(_method, self.methods)), worst=self.worst)
        rules.check()
        return rules


def explain_and_show(wanted: Wanted, *, as_json: bool) -> None:
    """Explain, print.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    rules, labeller = wanted.rules(), _labeller(wanted)
    with (
        closing(Readers()) as readers,
        make_scorer() as scorer,
        Store.open_to_read(wanted.store or store_with_runs()) as store,
        WorkBar() as bar,
        fewer_pauses(),
    ):
        document = explain_run(
            store, wanted.run, rules, readers=readers, scorer=scorer, progress=bar.show
        )
        if labeller is not None:
            from slm_mux.cli.labelling import DEBATE, label_debates

            bar.stop()
            labels = label_debates(store, wanted.run, labeller, readers, as_json=as_json)
            document["discussions"][DEBATE]["labels"] = labels
    if as_json:
        print_json(document)
        return
    from slm_mux.cli.explain_display import show_explanation

    show_explanation(results(), messages(), document)


def _method(name: str) -> str:
    known = (*WORKFLOWS, *ALIASES)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(WORKFLOWS)}"
        raise InvalidRequestError(
            f"--method is {name!r}, which is no method in which models read each other; {hint}"
        )
    return ALIASES.get(name, name)


def _labeller(wanted: Wanted) -> "Labeller | None":
    """Find who labels, where that is asked for.

    Raises:
        PoolError: the pool file is wrong.
        InvalidRequestError: it has no such model, or the options do not go together.
    """
    if wanted.label_with is None:
        if wanted.labeller is not None:
            raise InvalidRequestError("--labeller goes with --label-with POOL.yaml")
        return None
    from slm_mux.cli.labelling import DEBATE, Labeller
    from slm_mux.models.pool import Pool
    from slm_mux.questions import check_name

    if wanted.methods and DEBATE not in wanted.rules().methods:
        raise InvalidRequestError("--label-with labels debates: add --method debate")
    pool = Pool.load(wanted.label_with)
    names = tuple(member.name for member in pool)
    name = names[0] if wanted.labeller is None else wanted.labeller
    check_name("labeller", name, names)
    return Labeller(pool=pool, name=name)
