"""Keeping what was read and scored, where the store can be written."""

from collections.abc import Iterable, Mapping

from slm_mux.errors import StoreError
from slm_mux.store.rows import Reading
from slm_mux.store.store import Store


class Notebook:
    """Writes readings and verdicts into a store; they save time only, so that may fail.

    A store that cannot be written, or that another program holds for long, is evaluated all the
    same: what was read is then read again next time.

    Args:
        store: where they belong.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.trouble: str | None = (
            f"{store.path}: it cannot be written here" if store.read_only else None
        )
        """Why nothing is kept; None while everything is."""

    def put_readings(self, reader: str, read: Iterable[tuple[int, Reading]]) -> None:
        """As `Store.put_readings`, where that is possible."""
        if self.trouble is None:
            try:
                self._store.put_readings(reader, read)
            except StoreError as error:
                self.trouble = str(error)

    def put_verdicts(self, scorer: str, given: Mapping[tuple[str, str], bool | None]) -> None:
        """As `Store.put_verdicts`, where that is possible."""
        if self.trouble is None:
            try:
                self._store.put_verdicts(scorer, given)
            except StoreError as error:
                self.trouble = str(error)
