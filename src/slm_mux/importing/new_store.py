"""A store that is made by an import: there when the import is whole, and not before."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slm_mux.errors import StoreError
from slm_mux.store.store import Store


@contextmanager
def store_for_import(path: Path) -> Iterator[Store]:
    """Open a store to import into.

    A store that is there is opened as ever. A new one is made in a hidden folder beside its place
    and gets its name when the block ends without an error. So nobody sees it half made, and an
    import that fails or is interrupted leaves no file.

    Raises:
        StoreError: as `Store.open` does; or there is a store by now, made by another program.
    """
    hidden = None if os.path.lexists(path) else _hidden_folder(path)
    if hidden is None:
        with Store.open(path) as store:
            yield store
        return
    with hidden as folder:
        made = Path(folder) / path.name
        with Store.open(made) as store:
            yield store
        _give_name(made, path)


def _hidden_folder(path: Path) -> "tempfile.TemporaryDirectory[str] | None":
    try:
        return tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent)
    except OSError:
        # No folder, or no right to write there: `Store.open` says so.
        return None


def _give_name(made: Path, path: Path) -> None:
    """Move a store to its place, where nothing may be."""
    try:
        try:
            path.hardlink_to(made)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links.
            if os.path.lexists(path):
                raise FileExistsError from None
            made.rename(path)
    except FileExistsError:
        raise StoreError(
            f"{path}: another program has made this store meanwhile, and nothing was imported; "
            "import again"
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: it cannot be written: {error.strerror or error}") from error
