"""The page without a browser: it is whole, safe and complete."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from slm_mux.reports import render
from slm_mux.reports.sections import charts
from slm_mux.store import Draw
from slm_mux.studies.reporting import ReportRules
from slm_mux.studies.worst import TextLimits
from slm_mux.types import Completion
from tests.evaluation.making import TASK, problem, series, stored
from tests.reports.making import HOSTILE, demo_document, reported, with_hostile
from tests.reports.parsing import Page
from tests.studies.making import one_split

NAME = "qwen2.5-coder-0.5b-program"


@pytest.fixture(scope="module")
def page() -> Page:
    """The report of the recording."""
    return Page(render(demo_document()))


def test_it_is_whole(page: Page) -> None:
    """Every element is closed in its place, and ids are unique."""
    assert page.mistakes == []
    assert len(set(page.ids)) == len(page.ids)


def test_headings_go_one_step_at_a_time(page: Page) -> None:
    """One h1 first; no level is left out on the way down."""
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)


def test_it_asks_for_nothing(page: Page) -> None:
    """No element names a file, and links stay on the page."""
    for _, name, value in page.attributes:
        assert name not in ("src", "srcset", "style", "action", "data") or name == "data"
        if name == "href":
            assert str(value).startswith("#")
            assert str(value)[1:] in page.ids
        assert not name.startswith("on")


def test_scripts_are_those_the_policy_names(page: Page) -> None:
    """Each script and the style is allowed by its hash; the chart data is no script."""
    contents = [str(v) for t, n, v in page.attributes if (t, n) == ("meta", "content")]
    policy = next(content for content in contents if "src" in content)
    for text in (*page.scripts[1:], *page.styles):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert set(json.loads(page.scripts[0])) == {"themes", "charts"}


def test_tables_have_what_charts_have(page: Page) -> None:
    """Each chart has its table in the page, cell by cell."""
    for chart in charts(demo_document()):
        assert chart.table is not None
        head, *body = page.tables[chart.name]
        assert [cell.strip() for cell in head] == list(chart.table.columns)
        assert body == [list(row) for row in chart.table.rows]


def test_the_same_document_gives_the_same_page() -> None:
    """Nothing but the document is in it: no date, no chance; a copy through JSON is as good."""
    again = json.loads(json.dumps(demo_document()))
    assert render(again) == render(demo_document())


def test_the_verdict_is_in_words(page: Page) -> None:
    """Accuracy, difference and interval, and what the interval means."""
    text = re.sub(r"\s+", " ", "".join(page.text))
    assert "With 5 draws of each of 4 models, SLM-MUX answers 75.0 % of 40 problems" in text
    assert "That is 2.5 points fewer than one draw of qwen2.5-coder-1.5b" in text
    assert "includes 0, so these problems do not tell the two apart" in text
    assert "nothing is known: qwen2.5-coder-1.5b: 20 draws are needed, and there are 15" in text
    assert "slm-mux report demo -o report.html" in text
    assert str(demo_document()["hashes"]["evaluation"]["samples"]) in text


def test_hostile_texts_stay_texts() -> None:
    """A model's name and texts with markup, NUL and half pairs end no element and no script."""
    page = Page(render(with_hostile(demo_document(), NAME)))
    assert page.mistakes == []
    assert len(page.scripts) == len(Page(render(demo_document())).scripts)
    assert "img" not in {tag for tag, _, _ in page.attributes}
    text = "".join(page.text)
    assert "</script><script>document.title" in text
    assert "{{ 7 * 7 }}" in text
    assert "[U+202E]turned" in text


def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    """A text of 1 MB leaves its beginning, its end and a note; the page stays small."""
    text = "a" * 500_000 + "z" * 500_000 + " \\boxed{8}"
    with stored(tmp_path / "s.db", [problem("p1")], {"a": {"p1": ["8"]}}) as store:
        asked = series("b", "p1")
        store.put_asked(TASK, [("p1", asked)])
        store.put_draws([Draw(series=asked.digest, draw=0, completion=Completion(text=text))])
        document = reported(store)
    assert document["texts"] == {"limit": 4000, "cut": 1, "questions_without": 0}
    page = render(document)
    assert "[… 996,010 characters left out …]" in page
    assert "Texts of more than 4,000 characters (1 of them) are cut in the middle" in page
    assert len(page.encode()) < 1_000_000


def test_questions_without_texts_say_so(tmp_path: Path) -> None:
    """Where the texts together are too long, the last questions have none."""
    drawn = {"a": {f"p{i}": ["8", "8"] for i in range(4)}}
    with one_split(tmp_path / "s.db", drawn) as store:
        rules = ReportRules(texts=TextLimits(together=50))
        document = reported(store, rules)
    assert document["texts"]["questions_without"] == 2
    assert "The last 2 have no texts here" in render(document)


def test_hostile_task_and_target(tmp_path: Path) -> None:
    """What comes from the data is text too."""
    name = HOSTILE.encode(errors="ignore").decode().replace("\x00", "")
    drawn = {"a": {name: ["8", "8"]}, name: {name: ["7", "8"]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        page = Page(render(reported(store)))
    assert page.mistakes == []
    assert "img" not in {tag for tag, _, _ in page.attributes}


@pytest.mark.parametrize("worst", [0, 1])
def test_as_many_worst_questions_as_wanted(tmp_path: Path, worst: int) -> None:
    """None: the page says so; one: it is spoken of as one."""
    drawn = {"a": {"p1": ["8", "8"], "p2": ["8", "7"]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        text = render(reported(store, ReportRules(worst=worst)))
    assert ("no questions were asked for" in text) == (worst == 0)
    assert ("The problem on which" in text) == (worst == 1)
