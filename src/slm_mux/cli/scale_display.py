"""How a study of scaling looks on a terminal of 100 columns, and in a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.tables import add_row, make_table, print_heading, print_table, share
from slm_mux.wording import counted

METHODS = {
    "mux": "mux",
    "single": "one draw",
    "self_consistency_at_k": "vote",
    "self_consistency": "equal vote",
    "agent_forest": "forest",
    "union": "union",
}
"""Column by method; `_explain` says what each is."""

KINDS = {
    "no_answer": "no readable answer",
    "all_confidently_wrong": "all confidently wrong",
    "all_wrong": "all wrong, some unsure",
    "tie_break": "lost by tie-break",
    "contradicted": "contradicted",
}

Row = Mapping[str, Any]

_ROWS = 12
"""Of a table by k; where there are more some are left out, and the document has all."""


def show_scale(out: Console, notes: Console, document: Row) -> None:
    """Print a study as `scale_task` returns it; notes go to the other console."""
    print_heading(out, {**document, "k": document["n"]})
    chosen = document["chosen"]
    curves = _points_of(chosen["curves"])
    print_line(out, f"chosen: {', '.join(chosen['models'])} ({_why(document)})")
    _title(out, "accuracy against k, the draws of each model; 95 % intervals")
    _show_accuracies(out, curves)
    _explain(out, curves, chosen["models"][0])
    if len(chosen["models"]) > 1:
        _title(out, "mux less each, in points of accuracy")
        _show_differences(out, curves)
    _show_sizes(out, document)
    _show_stopping(out, document)
    _show_models(out, document)
    _show_readings(out, chosen["readings"][-1], document["n"])
    show_failures(out, chosen["failures"])
    for note in document["notes"]:
        print_line(notes, f"note: {note}")


def _why(document: Row) -> str:
    if document["settings"]["models"] is not None:
        return "as asked for"
    search = document["search"]
    where = "the measured problems"
    if not search["same_problems"]:
        where = f"split {search['split']}, {counted(search['problems'], 'problem')}"
    return f"best by {search['objective_name']} on {where}"


def _points_of(curves: Row) -> dict[str, Sequence[Row]]:
    found = {curve["method"]: curve["points"] for curve in curves["curves"]}
    return {method: found[method] for method in METHODS if method in found}


def _show_accuracies(out: Console, curves: Mapping[str, Sequence[Row]]) -> None:
    table = make_table("k", *(METHODS[method] for method in curves))
    for rows in _some(list(zip(*curves.values(), strict=True))):
        cells = (_with_interval(row["accuracy"], row["ci95"]) for row in rows)
        add_row(table, str(rows[0]["k"]), *cells)
    print_table(out, table)


def _explain(out: Console, curves: Mapping[str, Sequence[Row]], best: str) -> None:
    print_line(
        out,
        f"one draw and vote (of k draws): {best}; equal vote: of as many of its draws as mux has "
        "together;",
    )
    print_line(out, "forest: one vote of all models' draws; union: some model's candidate is right")
    missing = [row for row in curves["self_consistency"] if row["accuracy"] is None]
    if missing:
        print_line(out, f"no equal vote from k = {missing[0]['k']} on: {missing[0]['reason']}")


def _show_differences(out: Console, curves: Mapping[str, Sequence[Row]]) -> None:
    others = {method: rows for method, rows in curves.items() if method not in ("mux", "union")}
    table = make_table("k", *(METHODS[method] for method in others))
    for rows in _some(list(zip(*others.values(), strict=True))):
        cells = (_difference(row["mux_minus"], row["mux_minus_ci95"]) for row in rows)
        add_row(table, str(rows[0]["k"]), *cells)
    print_table(out, table)


def _show_sizes(out: Console, document: Row) -> None:
    n, tokens = document["n"], document["tokens"]["subsets"]
    _title(out, f"accuracy against K, the best of each size, k = {n}; tokens per problem")
    shown = [method for method in METHODS if method not in ("mux", "single")]
    columns = ["mux", *(METHODS[method] for method in shown)]
    table = make_table("K", *columns, "draws", "tokens", "frugal")
    for size, subset in document["subsets"].items():
        last = {method: rows[-1] for method, rows in _points_of(subset).items()}
        mux, spent = last["mux"], tokens[size][-1]
        add_row(
            table,
            size,
            _with_interval(mux["accuracy"], mux["ci95"]),
            *(share(last[method]["accuracy"]) for method in shown),
            str(mux["draws"]),
            _number(spent["full"]),
            _number(spent["frugal"]),
        )
    print_table(out, table)
    for size, subset in document["subsets"].items():
        print_line(out, f"  {size} {', '.join(subset['models'])}")


def _show_stopping(out: Console, document: Row) -> None:
    _title(out, "draws per problem that the chosen subset needs, with the same answers")
    table = make_table("k", "all", "frugal", "share", "at least", "all tokens", "frugal tokens")
    costs = zip(document["chosen"]["stopping"], document["tokens"]["chosen"], strict=True)
    for cost, tokens in _some(list(costs)):
        add_row(
            table,
            str(cost["k"]),
            str(cost["full"]),
            f"{cost['frugal']:.2f}",
            f"{cost['frugal_share']:.0%}",
            f"{cost['clairvoyant']:.2f}",
            _number(tokens["full"]),
            _number(tokens["frugal"]),
        )
    print_table(out, table)
    print_line(
        out, "frugal: stops where the answer is settled; at least: for one who knew the draws"
    )


def _show_models(out: Console, document: Row) -> None:
    n = document["n"]
    _title(out, f"each model and mux: confidence against correctness, k = {n}")
    table = make_table("", "one draw", "vote", "answered", "ECE", "correlation")
    for model in document["models"]:
        vote = model["self_consistency"][-1]["accuracy"]
        figures = _reliability(model["reliability"][-1])
        add_row(table, model["model"], share(model["mean_draw_accuracy"]), share(vote), *figures)
    chosen = document["chosen"]
    mux = _points_of(chosen["curves"])["mux"][-1]["accuracy"]
    add_row(table, "mux", "", share(mux), *_reliability(chosen["reliability"][-1]))
    print_table(out, table)
    _title(out, f"question types: how often a model is right in {counted(n, 'draw')}")
    kinds = ("always", "mostly", "half", "seldom", "never", "below_half")
    table = make_table("", *kinds[:-1], "below half")
    for model in document["models"]:
        types = model["questions"]
        add_row(table, model["model"], *(share(types[kind]) for kind in kinds))
    print_table(out, table)


def _reliability(row: Row) -> list[str]:
    error, correlation = row["expected_calibration_error"], row["correlation"]
    total = row["with_candidate"] + row["without_candidate"]
    return [
        share(row["with_candidate"] / total),
        "–" if error is None else f"{error:.3f}",
        "–" if correlation is None else f"{correlation:+.2f}",
    ]


def _show_readings(out: Console, row: Row, n: int) -> None:
    _title(out, f"A({n}, p): what a majority of {counted(n, 'draw')} would give, and what was seen")
    table = make_table("", "A", "seen", "of", left=(3,))
    for words, reading, method in (
        ("p of the best model on each question", "max_model", "mux"),
        ("p of the mean of the models", "mean_model", "agent_forest"),
        ("p of the best single model", "best_single", "self_consistency_at_k"),
    ):
        add_row(table, words, share(row[reading]), share(row[method]), METHODS[method])
    print_table(out, table)


def show_failures(out: Console, failures: Row) -> None:
    """Print where mux is wrong, as `slm_mux.scaling.failures` sorts it."""
    k, wrong, problems = failures["k"], failures["wrong"], failures["problems"]
    _title(out, f"where mux is wrong with k = {k}: {wrong} of {counted(problems, 'problem')}")
    table = make_table("", "problems", "of wrong", "majority", "random")
    for failed in failures["kinds"]:
        add_row(
            table,
            KINDS[failed["kind"]],
            str(failed["count"]),
            share(failed["share_of_wrong"]),
            *_alternatives(failed["alternatives"]),
        )
    add_row(table, "all wrong ones", str(wrong), "", *_alternatives(failures["on_wrong"]))
    add_row(table, "all problems", str(problems), "", *_alternatives(failures["on_all"]))
    print_table(out, table)
    print_line(
        out,
        "majority, random: right answers of the models' plain majority, of a model at random "
        f"(mux: {problems - wrong})",
    )


def _alternatives(row: Row) -> list[str]:
    return [f"{row['majority']:.1f}", f"{row['random_model']:.1f}"]


def _some(rows: Sequence[Any]) -> Sequence[Any]:
    """Leave rows out where there are many: the first ones and the last stay."""
    if len(rows) <= _ROWS:
        return rows
    step = -(-len(rows) // (_ROWS - 4))
    return [row for k, row in enumerate(rows, 1) if k <= 4 or k % step == 0 or k == len(rows)]


def _title(out: Console, words: str) -> None:
    out.print()
    print_line(out, words)


def _with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None or interval is None:
        return share(value)
    return f"{value:.1%} ({100 * interval[0]:.0f}–{100 * interval[1]:.0f})"


def _difference(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "–"
    if interval is None:
        return _points(value)
    return f"{_points(value)} ({_points(interval[0])} to {_points(interval[1])})"


def _points(value: float) -> str:
    # Adding 0 makes +0.0 of what rounds to -0.0.
    return f"{round(100 * value, 1) + 0:+.1f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
