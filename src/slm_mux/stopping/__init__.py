"""Lossless stopping: when no draw still out can change the answer, and what to draw until then.

Everything here is arithmetic on the draws of one question. `settle` says whether the answer is
settled, `next_wave` what to draw next at least cost, and the yardsticks how good that is. Models
are always given in rank order, best record first (`slm_mux.voting.rank_by_record`).
"""

from slm_mux.stopping.frugal import Wave, next_wave
from slm_mux.stopping.settle import Pair, Progress, Settlement, settle
from slm_mux.stopping.yardsticks import (
    Policy,
    Scenario,
    best_online_draws,
    clairvoyant_draws,
    expected_draws,
)

__all__ = [
    "Pair",
    "Policy",
    "Progress",
    "Scenario",
    "Settlement",
    "Wave",
    "best_online_draws",
    "clairvoyant_draws",
    "expected_draws",
    "next_wave",
    "settle",
]
