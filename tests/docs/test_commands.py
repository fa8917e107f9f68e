"""docs/commands.md says what the commands say."""

import pytest
from tools.write_commands_page import PAGE, page


def test_the_page_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what `python tools/write_commands_page.py` writes, whatever the terminal is like."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert page().splitlines() == PAGE.read_text(encoding="utf-8").splitlines()
