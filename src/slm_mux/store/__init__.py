"""Every sample bought, kept once: content-addressed rows in one SQLite file."""

from slm_mux.store.exchange import ImportReport, export_samples, import_samples
from slm_mux.store.rows import (
    Draw,
    DrawRow,
    FailedDraw,
    MemberInfo,
    Reading,
    Record,
    RunInfo,
    Series,
    Status,
    StoredProblem,
    StoreInfo,
    TaskInfo,
)
from slm_mux.store.salvage import SalvageReport
from slm_mux.store.store import Store
from slm_mux.store.verify import DamagedSample, Place, VerifyReport
from slm_mux.store.writer import StoreWriter

__all__ = [
    "DamagedSample",
    "Draw",
    "DrawRow",
    "FailedDraw",
    "ImportReport",
    "MemberInfo",
    "Place",
    "Reading",
    "Record",
    "RunInfo",
    "SalvageReport",
    "Series",
    "Status",
    "Store",
    "StoreInfo",
    "StoreWriter",
    "StoredProblem",
    "TaskInfo",
    "VerifyReport",
    "export_samples",
    "import_samples",
]
