"""What lossless stopping saves in a study."""

import pytest
from hypothesis import given, settings

from slm_mux.scaling import ranked, stopping_costs
from slm_mux.stopping import Progress, clairvoyant_draws, next_wave
from slm_mux.table import VoteTable
from slm_mux.types import Answer
from tests.scaling.making import made, tables


def rows(table: VoteTable, q: int, k: int) -> list[list[str | None]]:
    drawn = [table.drawn(m, q, k) for m in ranked(table)]
    return [[one.key if isinstance(one, Answer) else None for one in row] for row in drawn]


def followed(draws: list[list[str | None]]) -> int:
    """The draws of the frugal rule's waves."""
    models, spent = [Progress(len(row)) for row in draws], 0
    while (wave := next_wave(models)) is not None:
        for draw in wave.draws:
            models[wave.model].record(draw, draws[wave.model][draw])
        spent += len(wave.draws)
    return spent


@given(tables(models=4, problems=3, draws=5))
@settings(max_examples=80, deadline=None)
def test_costs_are_those_of_the_frugal_waves(table: VoteTable) -> None:
    """Mean draws are exactly those of following `next_wave`, and of the clairvoyant bound."""
    total = len(table.problems)
    for cost in stopping_costs(table, ranked(table), table.k[0]):
        problems = [rows(table, q, cost.k) for q in range(total)]
        assert cost.full == len(table.models) * cost.k
        assert cost.frugal * total == pytest.approx(sum(map(followed, problems)))
        assert cost.clairvoyant * total == pytest.approx(sum(map(clairvoyant_draws, problems)))
        assert 0 < cost.clairvoyant_share <= cost.frugal_share <= 1


def test_unanimous_models_need_one_model() -> None:
    """Where the best model agrees with itself the others are never asked."""
    table = made({"a": ["AAA", "bbb"], "b": ["AbA", "AAA"]}, records=[0.6, 0.5])
    costs = stopping_costs(table, ranked(table), 3)
    assert [(cost.k, cost.full, cost.frugal) for cost in costs] == [
        (1, 2, 1.0),
        (2, 4, 2.0),
        (3, 6, 3.0),
    ]
    assert costs[2].frugal_share == 0.5
