"""Small data files that tests write."""

import json
from pathlib import Path
from typing import Any


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    """Write one object a line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def problem(question: str, target: Any = "1", **more: Any) -> dict[str, Any]:
    """Make a row in the plainest form."""
    return {"question": question, "target": target, **more}
