"""Texts of models and users as they may be shown: anything can be in them, nothing may mislead."""

import re

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters but for tab and line feed, halves of surrogate pairs, and what is no
character: not allowed in HTML, or invisible in it."""
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What changes the direction of the text after it."""


def plain(text: str) -> str:
    """Make what would be invisible, or change what follows, visible.

    Line ends become line feeds, NUL and other control characters their pictures (␀), halves of
    surrogate pairs �, and characters that turn the direction of text their number in brackets.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _UNSEEN.sub(_picture, text)
    return _TURNING.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
