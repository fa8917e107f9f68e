"""docs/tasks.md is complete, and its task file loads."""

import re
from pathlib import Path

from slm_mux.tasks import TASKS, TaskOptions, load_task
from slm_mux.tasks.task_file import Fields, TaskFile

TEXT = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()


def test_every_name_and_key_is_documented() -> None:
    """Each benchmark, option, and key of a task file is named."""
    named = set(re.findall(r"`(\w+)`", TEXT))
    keys = {*TaskFile.__struct_fields__, *Fields.__struct_fields__, *TaskOptions.__struct_fields__}
    assert {*TASKS, *keys} <= named


def test_the_task_file_loads(tmp_path: Path) -> None:
    """The YAML block is a task file that loads as it stands."""
    [block] = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "capitals.yaml").write_text(block)
    (tmp_path / "capitals.csv").write_text("q,a\nOf France?,Paris\n")
    task = load_task(str(tmp_path / "capitals.yaml"))
    assert task.name == "capitals"
    assert task.problems[0].question == "Answer in one word. Of France?"
