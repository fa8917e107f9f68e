"""The vote table: every answer and every verdict as numbers, over models, problems and draws.

All that comes after sampling is arithmetic on this table: methods, search, scaling, reports. A
table knows nothing of texts, kinds and scorers: it is built from records that carry an answer with
its key, and a verdict.
"""

from slm_mux.table.building import Record, build_table
from slm_mux.table.votes import FAILED, NOT_DRAWN, UNREADABLE, Candidates, VoteTable

__all__ = [
    "FAILED",
    "NOT_DRAWN",
    "UNREADABLE",
    "Candidates",
    "Record",
    "VoteTable",
    "build_table",
]
