"""Documents for the tests of reports."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slm_mux.evaluation.question import Question
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.readers import Readers
from slm_mux.store import Store
from slm_mux.studies.reporting import ReportRules, report_task
from tests.evaluation.making import TASK
from tests.shipped import shipped_store

HOSTILE = (
    "</script><script>document.title = 'taken'</script><!-- <![CDATA[ \x00\x1b[31m \ud800 \udfff "
    "\u202eturned\u2066 &amp; \" ' ` {{ 7 * 7 }} {% raw %} \u2028\u2029 \r\n"
    "<img src=x onerror=alert(1)>"
)
"""What a model can write, or be called."""


def reported(
    store: Store, rules: ReportRules | None = None, *, command: str | None = None, **question: Any
) -> dict[str, Any]:
    """Report on a task."""
    readers = Readers()
    try:
        with make_scorer() as scorer:
            return report_task(
                store,
                Question(**({"task": TASK} | question)),
                rules or ReportRules(),
                readers=readers,
                scorer=scorer,
                command=command,
            )
    finally:
        readers.close()


@cache
def demo_document() -> dict[str, Any]:
    """The report of the shipped recording; it is not to be changed."""
    with TemporaryDirectory() as cache, Store.open(shipped_store(Path(cache))) as store:
        return reported(store, task="demo", command="slm-mux report demo -o report.html")


def with_hostile(document: Any, name: str) -> Any:
    """The same document with a model of another name, and hostile texts in its questions."""
    if isinstance(document, str):
        return document.replace(name, f"{name}{HOSTILE}")
    if isinstance(document, list):
        return [with_hostile(item, name) for item in document]
    if isinstance(document, dict):
        return {
            with_hostile(key, name): HOSTILE + item
            if key in ("text", "question", "answer", "target") and isinstance(item, str)
            else with_hostile(item, name)
            for key, item in document.items()
        }
    return document


def written(path: Path, page: str) -> str:
    """Write a page, and name it as a browser does."""
    path.write_bytes(page.encode())
    return path.as_uri()
