"""Every sample bought, kept once: content-addressed rows in one SQLite file.

Names are imported on first use: an evaluation needs neither the writer nor the file formats.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slm_mux.store.damage import DamagedSample, Place
    from slm_mux.store.exchange import ImportReport, export_samples, import_samples
    from slm_mux.store.rows import (
        Draw,
        DrawRow,
        MemberInfo,
        Reading,
        Record,
        RunInfo,
        Series,
        Status,
        StoreInfo,
        TaskInfo,
    )
    from slm_mux.store.salvage import SalvageReport
    from slm_mux.store.store import Store
    from slm_mux.store.verify import VerifyReport
    from slm_mux.store.writer import StoreWriter

__all__ = [
    "DamagedSample",
    "Draw",
    "DrawRow",
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
    "TaskInfo",
    "VerifyReport",
    "export_samples",
    "import_samples",
]

_MODULES = {
    "DamagedSample": "damage",
    "Draw": "rows",
    "DrawRow": "rows",
    "ImportReport": "exchange",
    "MemberInfo": "rows",
    "Place": "damage",
    "Reading": "rows",
    "Record": "rows",
    "RunInfo": "rows",
    "SalvageReport": "salvage",
    "Series": "rows",
    "Status": "rows",
    "Store": "store",
    "StoreInfo": "rows",
    "StoreWriter": "writer",
    "TaskInfo": "rows",
    "VerifyReport": "verify",
    "export_samples": "exchange",
    "import_samples": "exchange",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
