"""Reports: a document of figures as one page of HTML, and its charts as pictures."""

from slm_mux.reports.figures import check_figures, write_figures
from slm_mux.reports.page import render

__all__ = ["check_figures", "render", "write_figures"]
