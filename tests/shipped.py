"""The shipped recording, unpacked and read once for all tests of a run, in whatever process."""

import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from slm_mux.evaluation.evaluate import evaluate
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.recording import recorded_store, recordings_folder
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.readers import Readers
from slm_mux.store import Store

FOLDER = "SLM_MUX_TESTS_SHARE"
"""The environment variable that names the run's folder to the processes that share it."""


def share(config: pytest.Config) -> None:
    """Make the run's folder, unless this process is a worker of a run that has made it."""
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.TemporaryDirectory(prefix="slm-mux-tests-")
    os.environ[FOLDER] = folder.name
    config.add_cleanup(folder.cleanup)


def evaluated_afresh() -> dict[str, Any]:
    """What came of the whole recording when nothing was read of it, and without bubblewrap."""
    document: dict[str, Any] = json.loads((_ready() / "evaluation.json").read_text())
    return document


def shipped_store(cache: Path) -> Path:
    """Put the unpacked recording, with its readings and verdicts, where a cache has it.

    Args:
        cache: what SLM_MUX_CACHE is to be.

    Returns:
        The store, which the caller may change.
    """
    source = _unpacked(_ready())
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SLM_MUX_CACHE", str(cache))
        folder = recordings_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source, folder))


def _ready() -> Path:
    """The run's folder with the recording in it; the first who asks for it makes it."""
    folder = Path(os.environ[FOLDER])
    claim, done = folder / "claim", folder / "evaluation.json"
    while not done.exists():
        with suppress(FileExistsError):
            claim.mkdir()
            try:
                _make(folder)
            finally:
                claim.rmdir()
        time.sleep(0.05)
    return folder


def _make(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SLM_MUX_CACHE", str(folder / "cache"))
        patched.setenv("PATH", "")
        store = recorded_store()
        readers = Readers()
        with Store.open(store) as opened, make_scorer() as scorer:
            document = evaluate(opened, Question(task="demo"), readers=readers, scorer=scorer)
            rest = Question(task="demo", split="validation")
            evaluate(opened, rest, readers=readers, scorer=scorer)
        readers.close()
    (folder / "written.json").write_text(json.dumps(document))
    (folder / "written.json").replace(folder / "evaluation.json")


def _unpacked(folder: Path) -> Path:
    (found,) = folder.rglob("demo-*.db")
    return found
