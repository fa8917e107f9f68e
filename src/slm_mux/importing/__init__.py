"""Turning existing evaluation logs into problems and samples for the store.

`read_import` reads files of several tools; what each format keeps and loses is in
docs/importing.md. `import_files` puts what it reads into a store.
"""

from slm_mux.importing.base import (
    DESCRIPTIONS,
    FORMATS,
    FormatName,
    Imported,
    ImportedReading,
    ImportOptions,
    Part,
)
from slm_mux.importing.detect import detect_format, read_import
from slm_mux.importing.new_store import store_for_import
from slm_mux.importing.numbering import continue_numbering
from slm_mux.importing.storing import ImportSummary, ModelImport, import_files
from slm_mux.importing.unscored import Unscored

__all__ = [
    "DESCRIPTIONS",
    "FORMATS",
    "FormatName",
    "ImportOptions",
    "ImportSummary",
    "Imported",
    "ImportedReading",
    "ModelImport",
    "Part",
    "Unscored",
    "continue_numbering",
    "detect_format",
    "import_files",
    "read_import",
    "store_for_import",
]
