"""The parts of the page, in their order: each a heading, sentences, charts and tables."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from slm_mux.reports.charts.attribution import attribution
from slm_mux.reports.charts.base import Chart, Table
from slm_mux.reports.charts.correlation import correlation
from slm_mux.reports.charts.cost import stopping
from slm_mux.reports.charts.explaining import questions, readings
from slm_mux.reports.charts.failing import failing
from slm_mux.reports.charts.growth import growth, subsets_table
from slm_mux.reports.charts.headline import accuracies, differences, method_rows
from slm_mux.reports.charts.reliability import reliability
from slm_mux.reports.charts.scaling import against_draws, against_models, against_tokens
from slm_mux.reports.words import calibration, trust
from slm_mux.wording import counted, listed


class Extra(Struct, frozen=True, kw_only=True):
    """A table that stands by itself."""

    title: str
    table: Table


class Section(Struct, frozen=True, kw_only=True):
    """One part."""

    name: str
    """For links."""
    title: str
    lead: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    extras: tuple[Extra, ...] = ()
    remarks: tuple[str, ...] = ()
    """Below the charts."""
    alone: bool = False
    """Whether its one chart's title is the heading."""


def sections(document: Mapping[str, Any]) -> list[Section]:
    """Lay the page out, but for its head, the worst questions and how to reproduce it."""
    return [
        _comparison(document),
        Section(
            name="attribution-part",
            title="Whose answers",
            charts=(attribution(document),),
            alone=True,
        ),
        _search(document),
        _scaling(document),
        _confidence(document),
        _together(document),
        _cost(document),
        Section(name="failures-part", title="Failures", charts=(failing(document),), alone=True),
    ]


def charts(document: Mapping[str, Any]) -> list[Chart]:
    """All charts of the page, in order, also those that cannot be drawn."""
    return [chart for section in sections(document) for chart in section.charts]


def _comparison(document: Mapping[str, Any]) -> Section:
    silent = [row for row in method_rows(document) if row["accuracy"] is None and row["reason"]]
    return Section(
        name="comparison",
        title="Methods compared",
        charts=(accuracies(document), differences(document)),
        remarks=tuple(f"Not shown, {row['title']}: {row['reason']}." for row in silent),
    )


def _search(document: Mapping[str, Any]) -> Section:
    search = document["search"]
    if search is None:
        return Section(
            name="search-part", title="Which models belong together", charts=(growth(document),)
        )
    best = search["best"]["models"]
    where = (
        f"the split {search['split']}" if search["split"] else "all problems, there being no split"
    )
    lead = (
        f"Searched on {where} ({counted(search['problems'], 'problem')}, "
        f"{counted(search['k'], 'draw')} of each model). The best subset is {listed(best)}."
    )
    extras = []
    if search["runners_up"]:
        proven = "" if search["runners_up_proven"] else "; others may be better"
        extras.append(
            Extra(
                title=f"The next best subsets, of all sizes{proven}",
                table=subsets_table(
                    search["runners_up"], held_out=search["test_split"] is not None
                ),
            )
        )
    same = [
        f"{listed(group)} have identical records, so nothing tells them apart."
        for group in search["identical"]
    ]
    return Section(
        name="search-part",
        title="Which models belong together",
        lead=(lead,),
        charts=(growth(document),),
        extras=tuple(extras),
        remarks=(*trust(search), *same),
    )


def _scaling(document: Mapping[str, Any]) -> Section:
    scale = document["scale"]
    lead: tuple[str, ...] = ()
    if scale is not None:
        who = listed(scale["chosen"]["models"])
        chosen = f"The chosen models are {who}."
        if len(scale["chosen"]["models"]) == 1:
            chosen = f"The chosen model is {who}."
        measured = f"Measured on {counted(scale['problems'], 'problem')} with up to"
        lead = (f"{measured} {counted(scale['n'], 'draw')} of each model. {chosen}",)
    return Section(
        name="scaling-part",
        title="What more compute buys",
        lead=lead,
        charts=(
            against_draws(document),
            against_models(document),
            readings(document),
            questions(document),
        ),
    )


def _confidence(document: Mapping[str, Any]) -> Section:
    scale = document["scale"]
    return Section(
        name="reliability-part",
        title="Confidence",
        charts=(reliability(document),),
        alone=True,
        remarks=() if scale is None or scale["n"] < 2 else tuple(calibration(scale)),
    )


def _together(document: Mapping[str, Any]) -> Section:
    return Section(
        name="correlation-part",
        title="Errors in common",
        charts=(correlation(document),),
        alone=True,
    )


def _cost(document: Mapping[str, Any]) -> Section:
    return Section(
        name="cost-part", title="Cost", charts=(stopping(document), against_tokens(document))
    )
