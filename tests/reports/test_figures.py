"""Charts as files."""

import sys
from pathlib import Path

import pytest

from slm_mux.errors import InvalidRequestError
from slm_mux.reports import write_figures
from slm_mux.reports.sections import charts
from tests.reports.making import demo_document


def test_each_chart_as_svg_and_png(tmp_path: Path) -> None:
    """Files are named after the charts; the SVG has the marks' words, the PNG is one."""
    written = write_figures(demo_document(), tmp_path / "new" / "folder")
    names = [chart.name for chart in charts(demo_document())]
    expected = [f"{name}.{kind}" for name in names for kind in ("svg", "png")]
    assert [path.name for path in written] == expected
    for path in written:
        content = path.read_bytes()
        if path.suffix == ".png":
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            assert int.from_bytes(content[16:20]) >= 1200
        else:
            assert content.startswith(b"<svg")
    svg = (tmp_path / "new" / "folder" / "accuracy.svg").read_text()
    assert "SLM-MUX (all 4 models): 75.0\u00a0% (59.8 to 85.8\u00a0%)" in svg


def test_without_the_converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One error, which says what to install."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(InvalidRequestError, match=r"pip install 'slm-mux\[figures\]'"):
        write_figures(demo_document(), tmp_path)
    assert list(tmp_path.iterdir()) == []
