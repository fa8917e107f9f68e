"""What the frugal rule is measured against: hindsight, and the best policy there is.

Both count draws that settle the answer under the same lossless rule (`slm_mux.stopping.settle`).
The clairvoyant bound knows every draw in advance and only has to prove the answer. The best online
policy knows the chances, not the draws; it is found by dynamic programming over all states that a
question can be in, which is feasible for few models, draws and classes (three models with k = 3, or
two with k = 5, and three outcomes each: seconds).
"""

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from slm_mux.stopping.frugal import Wave, next_wave
from slm_mux.stopping.settle import Progress, scales, settle

Policy = Callable[[Sequence[Progress]], Wave | None]
"""Chooses the next wave; None when the question is settled. `next_wave` is one."""


def clairvoyant_draws(draws: Sequence[Sequence[str | None]]) -> int:
    """Count the fewest draws whose prefixes settle the answer, for one who knows them all.

    Exact without a search. Let A be the answer. If prefixes settle it, then of the leader (the
    model whose sure count, as a fraction of k, is highest) only A is still possible: a rival class
    of its own would reach at least that count, and nobody could stop it. Of every other model, the
    classes other than A must stay below what the leader has for sure, so each needs the shortest
    prefix that brings them there. It remains to try each model and each prefix length as the
    leader's.

    Args:
        draws: for each model in rank order, the class key of each of its k >= 1 draws; None for an
            unreadable or failed one.

    Returns:
        1 .. sum of k; all of them when no draw is readable; 0 without models.
    """
    total = sum(len(row) for row in draws)
    answer = settle([Progress(len(row), dict(enumerate(row))) for row in draws]).answer
    if answer is None:
        return total
    scale = scales([Progress(len(row)) for row in draws])
    behind = len(draws) - 1
    sure: list[list[int]] = []
    rival: list[list[int]] = []
    for i, row in enumerate(draws):
        model = Progress(len(row))
        sure_here, rival_here = [], []
        for length in range(len(row) + 1):
            model.record_next(row[length - 1 : length] if length else ())
            sure_here.append(model.least * scale[i] + behind - i)
            others = [count for key, count in model.possible() if key != answer]
            rival_here.append(max(others) * scale[i] + behind - i if others else -1)
        sure.append(sure_here)
        rival.append(rival_here)
    fewest = total
    for leader in range(len(draws)):
        for length, value in enumerate(sure[leader]):
            if rival[leader][length] == -1:
                needed = [
                    next((n for n, reach in enumerate(rival[i]) if reach < value), total)
                    for i in range(len(draws))
                    if i != leader
                ]
                fewest = min(fewest, length + sum(needed))
    return fewest


class Scenario(Struct, frozen=True):
    """One kind of problem, and the chances it gives each model."""

    weight: float
    """How often it occurs, > 0, relative to the other kinds."""
    chances: tuple[Mapping[str | None, float], ...]
    """For each model in rank order: class key, or None for unreadable, to the probability that a
    draw ends so. Draws are independent given the scenario; each model's chances sum to 1."""


def best_online_draws(ks: Sequence[int], scenarios: Sequence[Scenario]) -> float:
    """Find the expected draws of the best policy that knows the scenarios, but not the draws.

    It draws one at a time, knows how often each scenario occurs (not which one it is in), and stops
    when the answer is settled whatever might still come.

    Args:
        ks: each model's k, in rank order.
        scenarios: at least one.
    """
    game = _Game(ks, scenarios)
    known: dict[_State, float] = {}

    def value(state: _State) -> float:
        if state not in known:
            models = game.models(state)
            known[state] = 0.0
            if not settle(models).settled:
                known[state] = 1 + min(
                    sum(chance * value(after) for after, chance in game.draw(state, i).items())
                    for i, model in enumerate(models)
                    if model.remaining
                )
        return known[state]

    return value(game.start)


def expected_draws(
    ks: Sequence[int], scenarios: Sequence[Scenario], policy: Policy = next_wave
) -> float:
    """Find the expected draws of a policy over the scenarios, exactly.

    Args:
        ks: each model's k, in rank order.
        scenarios: at least one.
        policy: its waves take the lowest missing indices; it may not depend on anything but
            counts, and the order in which classes first appeared.
    """
    game = _Game(ks, scenarios)
    known: dict[_State, float] = {}

    def value(state: _State) -> float:
        if state not in known:
            wave = policy(game.models(state))
            known[state] = 0.0
            if wave is not None:
                reached = {state: 1.0}
                for _ in wave.draws:
                    after: dict[_State, float] = {}
                    for before, chance in reached.items():
                        for here, step in game.draw(before, wave.model).items():
                            after[here] = after.get(here, 0.0) + chance * step
                    reached = after
                known[state] = len(wave.draws) + sum(
                    chance * value(here) for here, chance in reached.items()
                )
        return known[state]

    return value(game.start)


_Counts = tuple[tuple[str | None, int], ...]
"""One model's outcomes with their counts, in the order in which they first appeared."""
_State = tuple[_Counts, ...]


class _Game:
    """States of a question whose draws come in index order, and the chances between them.

    Which index a class appeared at matters only in comparison with other classes, so counts in
    order of first appearance are the whole state.
    """

    def __init__(self, ks: Sequence[int], scenarios: Sequence[Scenario]) -> None:
        self._ks = tuple(ks)
        self._scenarios = tuple(scenarios)
        self.start: _State = tuple(() for _ in self._ks)

    def models(self, state: _State) -> list[Progress]:
        """Draws that lead to the state."""
        models = []
        for k, counts in zip(self._ks, state, strict=True):
            model = Progress(k)
            for key, count in counts:
                model.record_next([key] * count)
            models.append(model)
        return models

    def draw(self, state: _State, model: int) -> dict[_State, float]:
        """Where one draw of a model leads, with the probability of each, given the state."""
        weights = [
            scenario.weight
            * math.prod(
                chances.get(key, 0.0) ** count
                for chances, counts in zip(scenario.chances, state, strict=True)
                for key, count in counts
            )
            for scenario in self._scenarios
        ]
        total = sum(weights)
        after: dict[_State, float] = {}
        for scenario, weight in zip(self._scenarios, weights, strict=True):
            for key, chance in scenario.chances[model].items():
                if weight * chance > 0:
                    counts = dict(state[model])
                    counts[key] = counts.get(key, 0) + 1
                    here = (*state[:model], tuple(counts.items()), *state[model + 1 :])
                    after[here] = after.get(here, 0.0) + weight * chance / total
        return after
