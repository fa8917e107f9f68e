"""The samples of the demo task that are shipped with the package, as a store."""

import hashlib
import os
import tempfile
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from slm_mux.errors import StoreError
from slm_mux.models.weights import weights_folder
from slm_mux.store.exchange import import_samples
from slm_mux.store.store import Store

FILE = "demo.parquet"


def recorded_store(recording: Traversable | None = None) -> Path:
    """Unpack the recording into the user's cache, once, and name the store.

    What is read of it is kept there too, so that a second look takes no time.

    Args:
        recording: an export in Parquet; by default the one in the package.

    Raises:
        StoreError: there is none, or it cannot be written there.
    """
    if recording is None:
        recording = files("slm_mux").joinpath("recordings").joinpath(FILE)
    if not recording.is_file():
        raise StoreError(
            "this installation has no recorded samples of demo; draw your own with "
            "`slm-mux collect demo`"
        )
    folder = recordings_folder()
    path = folder / f"demo-{hashlib.sha256(recording.read_bytes()).hexdigest()[:12]}.db"
    if path.exists():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: another process may unpack it at the same time.
        with tempfile.TemporaryDirectory(dir=folder) as temporary, as_file(recording) as source:
            unpacked = Path(temporary) / "demo.db"
            with Store.open(unpacked) as store:
                import_samples(store, source, format="parquet")
            _move_unless_there(unpacked, path)
    except OSError as error:
        raise StoreError(f"{folder}: the recording cannot be unpacked there: {error}") from error
    return path


def recordings_folder() -> Path:
    """Name the folder in which recordings are unpacked."""
    return weights_folder().parent / "recordings"


def _move_unless_there(unpacked: Path, path: Path) -> None:
    try:
        # Unlike a rename, this never takes the file away from a process that has opened it.
        os.link(unpacked, path)
    except FileExistsError:
        return
    except OSError:
        if not path.exists():
            unpacked.replace(path)
