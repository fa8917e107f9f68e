"""How it looks on a terminal what a table or figure of the paper would take."""

from collections.abc import Sequence

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.tables import add_row, make_table, print_table
from slm_mux.paper.estimating import Part, PlanEstimate
from slm_mux.paper.exhibits import Exhibit
from slm_mux.paper.planning import Plan
from slm_mux.wording import counted


def show_exhibit_estimates(
    out: Console, notes: Console, exhibit: Exhibit, found: Sequence[tuple[Plan, PlanEstimate]]
) -> None:
    """Print what an exhibit would take: each task's draws and discussions, and all together."""
    print_line(out, f"{exhibit.name}: {exhibit.title}")
    for made, each in found:
        out.print()
        if made.gap is not None:
            print_line(out, f"{made.name}: no figures: {made.gap}")
            continue
        print_line(out, made.name)
        table = make_table(
            "", "model", "calls", "prompt tokens", "completion tokens", "cost", left=(1,)
        )
        for part in each.parts:
            for place, one in enumerate(part.estimates):
                add_row(
                    table,
                    _part_title(part) if place == 0 else "",
                    one.member,
                    f"{one.draws:,}",
                    f"{one.prompt_tokens:,.0f}",
                    _count(one.completion_tokens),
                    _cost(one.cost),
                )
        for method in each.discussions:
            add_row(
                table,
                f"{method.method}, estimated",
                "",
                f"{method.calls:,}",
                f"{method.prompt_tokens:,.0f}",
                _count(method.completion_tokens),
                _cost(method.cost),
            )
        add_row(
            table,
            "all, estimated",
            "",
            f"{each.calls:,}",
            f"{each.prompt_tokens:,.0f}",
            _count(each.completion_tokens),
            _cost(each.cost),
        )
        print_table(out, table)
    estimates = [each for _, each in found]
    measured = [
        one.measured or not one.draws
        for each in estimates
        for part in each.parts
        for one in part.estimates
    ]
    if not all(measured):
        print_line(
            notes,
            "For models without stored samples, prompt tokens are the characters / 4 and "
            "completion tokens the token limit.",
        )
    if any(part.at_most for each in estimates for part in each.parts):
        print_line(
            notes,
            "Who is asked where it says at most is known when the validation draws are in.",
        )
    if any(each.discussions for each in estimates):
        print_line(
            notes,
            "Discussions are an estimate, which tokens and cost may exceed: the calls that they "
            "make at most, each with the mean prompt and completion of plain draws, reading one "
            "completion of every model. Openings are counted, even those that are plain draws too.",
        )


def _part_title(part: Part) -> str:
    title = f"{part.what}: {counted(part.problems, 'problem')}, k = {part.k}"
    return f"{title}, at most" if part.at_most else title


def _count(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _cost(value: float | None) -> str:
    return "" if value is None else f"{value:,.4f}"
