"""The whole study of a table: accuracy against draws and models, and why (paper, stage 3)."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.metrics import Interval
from slm_mux.scaling.analysis import QuestionTypes, Reading, question_types, readings
from slm_mux.scaling.curves import Point, SubsetCurves, mean_draws, subset_curves
from slm_mux.scaling.deciding import winners
from slm_mux.scaling.draws import Distribution, distribution
from slm_mux.scaling.failures import Failures, failures
from slm_mux.scaling.pooling import agent_forest
from slm_mux.scaling.reliability import Reliability, model_reliability, mux_reliability
from slm_mux.scaling.resampling import RESAMPLES, Resamples
from slm_mux.scaling.scored import ranked, scored_part
from slm_mux.scaling.stopping_cost import StoppingCost, stopping_costs
from slm_mux.table import VoteTable


class ModelScaling(Struct, frozen=True, kw_only=True):
    """One model of the table by itself."""

    model: str
    validation_accuracy: float | None
    draws: int
    """What it has on every problem."""
    mean_draw_accuracy: float
    """Of one draw: the mean over its first n."""
    mean_draw_ci95: Interval | None
    self_consistency: tuple[Point, ...]
    """For k = 1 .. n; without a comparison."""
    reliability: tuple[Reliability, ...]
    """For k = 1 .. n."""
    questions: QuestionTypes


class ChosenScaling(Struct, frozen=True, kw_only=True):
    """More about one subset."""

    models: tuple[str, ...]
    """Best record first."""
    curves: SubsetCurves
    stopping: tuple[StoppingCost, ...]
    """For k = 1 .. n."""
    reliability: tuple[Reliability, ...]
    """Of mux's decision, for k = 1 .. n."""
    readings: tuple[Reading, ...]
    """For k = 1 .. n."""
    failures: Failures
    """With n draws of each model."""


class ScalingStudy(Struct, frozen=True, kw_only=True):
    """What k draws of K models come to, from n draws of each."""

    task: str
    problems: int
    """Scored problems: the only ones that are studied."""
    unscored: int
    n: int
    """Draws of each model: the common minimum."""
    draws: dict[str, int]
    """What each model has; what is beyond n serves self-consistency at equal draws."""
    ranking: tuple[str, ...]
    """All models, best record first."""
    choices: tuple[int, ...]
    """For k = 1 .. n: choices of draws that were looked at."""
    exact: bool
    """Whether those are all there are, for every k."""
    seed: int
    resamples: int
    models: tuple[ModelScaling, ...]
    """In pool order."""
    subsets: dict[int, SubsetCurves]
    """By the number of models, ascending."""
    chosen: ChosenScaling
    notes: tuple[str, ...]
    """What a reader must know about the figures."""

    def against_models(self, method: str, k: int) -> tuple[Point, ...]:
        """Give a method's points for the subsets, by number of models, at one k.

        Raises:
            InvalidRequestError: k is out of range.
        """
        if not 1 <= k <= self.n:
            raise InvalidRequestError(f"k is {k}, but must be in 1 .. {self.n}")
        return tuple(one.curve(method).points[k - 1] for one in self.subsets.values())


def scaling_study(
    table: VoteTable,
    *,
    subsets: Mapping[int, Sequence[str]] | None = None,
    chosen: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> ScalingStudy:
    """Study a table; pure arithmetic, no draw is made.

    Args:
        table: complete. Its validation accuracies rank the models.
        subsets: a subset of each size that is wanted, by the number of its models; by default the
            best 1, 2, ... models by their records.
        chosen: the subset to say more about; by default the largest of `subsets`.
        seed: of the resamples, and of trials where not everything can be counted; >= 0.
        resamples: of the problems, >= 1.

    Returns:
        Plain values; `msgspec.to_builtins` makes JSON of it, without NaN.

    Raises:
        InvalidRequestError: no models, missing draws, no scored problem, no readable draw at all,
            an unknown model, a subset of another size than it is filed under, or a number out of
            range.
    """
    part = scored_part(table)
    if not (part.klass >= 0).any():
        raise InvalidRequestError(
            f"{table.task}: no draw of any model on a scored problem could be read"
        )
    ranking = ranked(part)
    by_size = _by_size(part, subsets, ranking)
    largest = by_size[max(by_size)]
    more = largest if chosen is None else ranked(part, chosen)
    drawn = Resamples.draw(len(part.problems), seed=seed, resamples=resamples)
    n = min(part.k)
    klass, correct = part.klass[:, :, :n], part.correct[:, :, :n]
    found = distribution(klass, correct, seed=seed)
    curves = {
        subset: subset_curves(
            part,
            found,
            subset,
            drawn,
            forest=agent_forest(klass, correct, subset, seed=seed),
            seed=seed,
        )
        for subset in dict.fromkeys([*by_size.values(), more])
    }
    return ScalingStudy(
        task=table.task,
        problems=len(part.problems),
        unscored=len(table.problems) - len(part.problems),
        n=n,
        draws=dict(zip(part.models, part.k, strict=True)),
        ranking=tuple(part.models[m] for m in ranking),
        choices=found.choices,
        exact=all(found.exact),
        seed=seed,
        resamples=resamples,
        models=_models(part, found, drawn),
        subsets={size: curves[subset] for size, subset in by_size.items()},
        chosen=ChosenScaling(
            models=curves[more].models,
            curves=curves[more],
            stopping=stopping_costs(part, more, n),
            reliability=mux_reliability(found, winners(found, more)),
            readings=readings(part, more, curves[more]),
            failures=failures(part, more, n),
        ),
        notes=_notes(table, part, found),
    )


def _by_size(
    table: VoteTable, subsets: Mapping[int, Sequence[str]] | None, ranking: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    if subsets is None:
        return {size: tuple(ranking[:size]) for size in range(1, len(ranking) + 1)}
    if not subsets:
        raise InvalidRequestError("there is no subset to study")
    by_size = {size: ranked(table, subsets[size]) for size in sorted(subsets)}
    for size, subset in by_size.items():
        if len(subset) != size:
            raise InvalidRequestError(f"the subset of {size} models has {len(subset)}")
    return by_size


def _models(table: VoteTable, found: Distribution, drawn: Resamples) -> tuple[ModelScaling, ...]:
    """Describe each model by itself."""
    import numpy as np

    n, problems = found.sizes[-1], len(table.problems)
    types, single = question_types(table, n), mean_draws(table, n)
    models = []
    for m, name in enumerate(table.models):
        columns = np.concatenate([single[m][:, None], found.accuracy[m]], axis=1)
        intervals, means = drawn.intervals(columns), columns.mean(axis=0).tolist()
        models.append(
            ModelScaling(
                model=name,
                validation_accuracy=table.validation_accuracy[m],
                draws=table.k[m],
                mean_draw_accuracy=means[0],
                mean_draw_ci95=intervals[0],
                self_consistency=tuple(
                    Point(
                        k=k,
                        draws=k,
                        accuracy=means[s],
                        ci95=intervals[s],
                        by_trial=0 if found.exact[s - 1] else problems,
                    )
                    for s, k in enumerate(found.sizes, 1)
                ),
                reliability=model_reliability(found, m),
                questions=types[m],
            )
        )
    return tuple(models)


def _notes(table: VoteTable, part: VoteTable, found: Distribution) -> tuple[str, ...]:
    """Say what limits the figures."""
    notes = []
    n = min(part.k)
    if max(part.k) > n:
        notes.append(
            f"models have from {n} to {max(part.k)} draws; the first {n} of each are studied"
        )
    if left_out := len(table.problems) - len(part.problems):
        notes.append(f"{left_out} of {len(table.problems)} problems are not scored and left out")
    if not all(found.exact):
        notes.append("some choices of draws are too many to count; seeded samples stand for them")
    if all(accuracy is None for accuracy in part.validation_accuracy) and len(part.models) > 1:
        notes.append("no model has a validation accuracy, so ties and the best model go by place")
    if n == 1:
        notes.append(
            "one draw of each model: every confidence is 1, the best model with an answer decides"
        )
    if len(part.problems) < 2:
        notes.append("one problem gives no interval")
    return tuple(notes)
