"""A pool file of the subset that a search found, ready for `ask`.

Entries come from the pool file that the search was limited to, else from what the store knows of
how each model was asked. Where a model is served may be unknown there, as it is of imported logs:
then a variable of the environment stands for it, `${URL_OF_NAME}`; until it is set, loading the
file is an error that names it.
"""

import datetime
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from slm_mux.errors import PoolError
from slm_mux.models.pool import DEFAULT_TASK, Pool
from slm_mux.store.store import Store
from slm_mux.studies.pool_entries import Entry, entries_of_file, entries_of_store
from slm_mux.voting import rank_by_record
from slm_mux.wording import counted

_DECIMALS = 6
"""Of an accuracy; enough to tell the shares of a million problems apart."""


def write_pool(
    path: Path, document: Mapping[str, Any], store: Store, *, pool: Pool | None = None
) -> list[str]:
    """Write the best subset of a search as a pool file, best record first.

    Within a cost limit, it is the best subset and k within that.

    Args:
        path: of the file; what is there is overwritten.
        document: as `search_task` returns it.
        store: with the samples.
        pool: the one that the search was limited to, from a file.

    Returns:
        What is left to fill in, in sentences; empty where the file is ready.

    Raises:
        PoolError: the file cannot be written, or a name cannot stand in one.
        StoreError: the store cannot be read.
    """
    within = document["budget"]
    best = document["best"] if within is None else within["best"]
    accuracies = {each["model"]: each["accuracy"] for each in document["validation_accuracies"]}
    names: list[str] = best["models"]
    ranked = [names[m] for m in rank_by_record([accuracies[name] for name in names])]
    if pool is not None and pool.path is not None:
        settings, entries = entries_of_file(pool, ranked, beside=path)
    else:
        used = {each["name"]: each for each in document["settings"]["members"]}
        settings, entries = entries_of_store(store, document["task"], [used[n] for n in ranked])
    k = document["k"] if within is None else best["k"]
    lines = [f"# {line}" for line in _origin(document, best)]
    lines += _yaml({"samples": k} | {key: v for key, v in settings.items() if key != "samples"})
    lines += ["", "models:"]
    for name, entry in zip(ranked, entries, strict=True):
        lines += [f"  # {_one_line(remark)}" for remark in entry.remarks]
        with_record = {**entry.content, **_record(entry, document["task"], accuracies[name])}
        lines += _yaml({"models": [with_record]}, innermost_in_line=True)[1:]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PoolError(f"{path}: cannot be written: {reason}") from None
    return [remark for entry in entries for remark in entry.to_fill_in]


def _record(entry: Entry, task: str, accuracy: float | None) -> dict[str, Any]:
    """The entry's validation accuracies, with that of the search."""
    given = entry.content.get("validation_accuracy")
    known = given if isinstance(given, dict) else {} if given is None else {DEFAULT_TASK: given}
    found = {} if accuracy is None else {task: round(accuracy, _DECIMALS)}
    return {"validation_accuracy": known | found} if known or found else {}


def _origin(document: Mapping[str, Any], best: Mapping[str, Any]) -> list[str]:
    """Say where the file comes from, one line each."""
    split = f", split {document['split']}" if document["split"] else ""
    within = document["budget"]
    size = len(best["models"])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    chosen = f"{counted(size, 'model')} of {len(document['models'])}, best record first"
    lines = [f"Written by slm-mux {document['versions']['slm-mux']} search on {today}: {chosen}."]
    if within is not None:
        lines.append(
            f"Criterion: accuracy of at most {within['limit']:g} tokens per question; it takes "
            f"{best['tokens']:,.0f} (proven: {_yes(within['proven'])})."
        )
    else:
        name = document["objective_name"]
        detail = (
            f" (union accuracy - {document['penalty']:g} x contradiction; correct: "
            f"{document['correct']})"
            if name == "objective"
            else ""
        )
        lines.append(
            f"Criterion: {name}{detail} = {best['value']:.4f} (proven: {_yes(best['proven'])})."
        )
    lines.append(
        f"Data: {document['task']}{split}, {counted(document['problems'], 'problem')}, "
        f"{counted(document['k'], 'draw')} of each model; samples {document['data']['samples']}"
    )
    test = best["test_accuracy"]
    held_out = (
        "nothing was held out"
        if test is None
        else f"{test:.1%} on {counted(document['test_problems'], 'problem')} held out"
    )
    lines.append(f"Accuracy there: {best['accuracy']:.1%}; {held_out}.")
    return [_one_line(line) for line in lines]


def _yes(proven: bool) -> str:
    return "yes" if proven else "no"


def _one_line(text: str) -> str:
    """Make a text fit for a comment: a line break would end it."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


class _Dumper(yaml.SafeDumper):
    """Writes lists as people do, and every value out."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _yaml(content: Mapping[str, Any], *, innermost_in_line: bool = False) -> Sequence[str]:
    text = yaml.dump(
        dict(content),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=math.inf,
        default_flow_style=None if innermost_in_line else False,
    )
    return str(text).rstrip("\n").split("\n")
