"""Methods: ways from draws to an answer, all with one voting code.

    mux               the most self-consistent model is believed
    single            one answer of one model
    self_consistency  the majority of many draws of the best model
    agent_forest      the majority of all models' draws

`slm_mux.methods.summary` compares them on a vote table.
"""

from slm_mux.methods.agent_forest import AgentForest
from slm_mux.methods.base import Context, Method, Outcome, Unavailable
from slm_mux.methods.mux import Mux
from slm_mux.methods.pairs import METHODS
from slm_mux.methods.self_consistency import SelfConsistency, at_equal_tokens
from slm_mux.methods.single import Single
from slm_mux.methods.summary import affordable_draws, ceilings, summarise

__all__ = [
    "METHODS",
    "AgentForest",
    "Context",
    "Method",
    "Mux",
    "Outcome",
    "SelfConsistency",
    "Single",
    "Unavailable",
    "affordable_draws",
    "at_equal_tokens",
    "ceilings",
    "summarise",
]
