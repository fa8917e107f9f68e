"""Models' texts in a report: made plain, and written so that nothing in them acts."""

import json
import re
from typing import Any

from slm_mux.plain_text import plain

_IN_SCRIPT = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def plain_values(value: Any) -> Any:
    """Make every text of a JSON value `plain`, keys too."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    if isinstance(value, dict):
        return {plain(str(key)): plain_values(item) for key, item in value.items()}
    return value


def json_for_script(value: Any) -> str:
    """Write JSON that can stand inside a script element, and ends nothing there."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda match: _IN_SCRIPT[match[0]], text)
