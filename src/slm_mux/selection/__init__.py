"""Which models belong together (arXiv 2510.05077, stage 2).

`search` finds the best subset of every size, exactly, from two arrays: what each model answers
correctly, and what it is consistently wrong about. `VoteTable.correctness` and
`VoteTable.consistently_wrong` make them from samples.
"""

from slm_mux.selection.exact import Limits
from slm_mux.selection.objective import Quality, Records, Subset
from slm_mux.selection.search import Best, Found, search

__all__ = ["Best", "Found", "Limits", "Quality", "Records", "Subset", "search"]
