"""Models' texts on a page: anything can be in them, and nothing of it may act or mislead."""

import json
import re
from typing import Any

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters but for tab and line feed, halves of surrogate pairs, and what is no
character: not allowed in HTML, or invisible in it."""
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What changes the direction of the text after it."""
_IN_SCRIPT = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def plain(text: str) -> str:
    """Make what would be invisible, or change what follows, visible.

    Line ends become line feeds, NUL and other control characters their pictures (␀), halves of
    surrogate pairs �, and characters that turn the direction of text their number in brackets.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _UNSEEN.sub(_picture, text)
    return _TURNING.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


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


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
