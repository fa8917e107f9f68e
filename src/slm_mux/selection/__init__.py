"""Which models belong together (arXiv 2510.05077, stage 2).

`search` finds the best subset of every size, exactly, from two arrays: what each model answers
correctly, and what it is consistently wrong about; `records_of` makes them from a table of samples.
`choose` does so by other criteria, too. `stability` says whether the validation problems suffice to
tell, `gain`, `against_peers` and `compare_criteria` what a subset is worth on other problems, and
`budget` what accuracy costs in tokens.
"""

from slm_mux.selection.budget import Budget, Option, budget
from slm_mux.selection.comparing import Comparison, Contrast, Pick, compare_criteria
from slm_mux.selection.criteria import CRITERIA, Accuracy, Choice, Criterion, best_by, choose
from slm_mux.selection.deciding import Standings, records_of
from slm_mux.selection.exact import Limits
from slm_mux.selection.focal import FocalDiversity
from slm_mux.selection.held_out import (
    Against,
    ErrorCorrelation,
    Gain,
    error_correlation,
    gain,
)
from slm_mux.selection.objective import Quality, Records, Subset
from slm_mux.selection.peers import Peers, against_peers
from slm_mux.selection.search import Best, Found, search
from slm_mux.selection.trust import Contender, Stability, stability

__all__ = [
    "CRITERIA",
    "Accuracy",
    "Against",
    "Best",
    "Budget",
    "Choice",
    "Comparison",
    "Contender",
    "Contrast",
    "Criterion",
    "ErrorCorrelation",
    "FocalDiversity",
    "Found",
    "Gain",
    "Limits",
    "Option",
    "Peers",
    "Pick",
    "Quality",
    "Records",
    "Stability",
    "Standings",
    "Subset",
    "against_peers",
    "best_by",
    "budget",
    "choose",
    "compare_criteria",
    "error_correlation",
    "gain",
    "records_of",
    "search",
    "stability",
]
