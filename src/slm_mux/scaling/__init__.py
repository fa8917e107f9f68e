"""Accuracy against draws and models, and what explains it (arXiv 2510.05077, stage 3).

`scaling_study` makes everything of a vote table; the rest are its parts. Nothing is sampled from
models, and where every model has at most 9 draws, nothing is simulated either, save pooled votes
with too many combinations.
"""

from slm_mux.scaling.analysis import (
    QuestionTypes,
    Reading,
    majority_accuracy,
    question_types,
    readings,
)
from slm_mux.scaling.curves import Curve, Point, SubsetCurves, subset_curves
from slm_mux.scaling.deciding import Winners, union_accuracy, winners
from slm_mux.scaling.draws import Distribution, choose, distribution
from slm_mux.scaling.failures import Alternatives, Failed, Failures, failures
from slm_mux.scaling.pooling import Pooled, agent_forest
from slm_mux.scaling.reliability import Level, Reliability, model_reliability, mux_reliability
from slm_mux.scaling.resampling import Resamples
from slm_mux.scaling.scored import ranked, scored_part
from slm_mux.scaling.stopping_cost import StoppingCost, stopping_costs
from slm_mux.scaling.study import ChosenScaling, ModelScaling, ScalingStudy, scaling_study
from slm_mux.scaling.token_costs import TokenCost, draw_tokens, token_costs

__all__ = [
    "Alternatives",
    "ChosenScaling",
    "Curve",
    "Distribution",
    "Failed",
    "Failures",
    "Level",
    "ModelScaling",
    "Point",
    "Pooled",
    "QuestionTypes",
    "Reading",
    "Reliability",
    "Resamples",
    "ScalingStudy",
    "StoppingCost",
    "SubsetCurves",
    "TokenCost",
    "Winners",
    "agent_forest",
    "choose",
    "distribution",
    "draw_tokens",
    "failures",
    "majority_accuracy",
    "model_reliability",
    "mux_reliability",
    "question_types",
    "ranked",
    "readings",
    "scaling_study",
    "scored_part",
    "stopping_costs",
    "subset_curves",
    "token_costs",
    "union_accuracy",
    "winners",
]
