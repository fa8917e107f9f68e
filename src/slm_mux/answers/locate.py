"""Where in a completion the answer stands: reasoning removed, boxes and markers found.

Every function is a few passes over the text, so time grows with its length alone, and none raises.
Reading a completion is mostly not finding things, so each pass looks for a fixed string first: the
patterns are tried only where they can match.
What was found is *complete* when something after it closes it: a brace, a line end, a sentence end
followed by more. Only a complete answer can be believed in a completion that the token limit cut
off, since what comes last may be half a number.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

MarkerName = Literal["boxed", "hash", "phrase"]

LONGEST_MARKED = 400
"""Characters; what runs on longer after a marker is prose, not an answer."""


MOST_TRIED = 100
"""Boxes, and markers, that a reader tries from the end on before it gives up."""


class Located(Struct, frozen=True):
    r"""A piece of a completion that a marker points at.

    `source[start:end] == text` where `source` is the string that was searched.
    """

    text: str
    """Without white space at its ends; never blank."""
    start: int
    end: int
    complete: bool
    """Whether something after it closes it."""
    marker: MarkerName
    r"""boxed: `\boxed{…}`; hash: `#### …`; phrase: "the answer is …" and its like."""
    line: str
    """`text` to the end of its line, where `text` may stop at a full stop inside a name."""


_THINK = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)


def without_reasoning(text: str) -> str:
    """Remove reasoning between <think> tags.

    An opening tag that is never closed removes all that follows. A closing tag that was never
    opened removes all before it (chat templates may put the opening tag into the prompt).
    """
    if "<" not in text:
        return text
    kept: list[str] = []
    position = 0
    inside = False
    for tag in _THINK.finditer(text):
        closing = bool(tag[1])
        if inside and closing:
            inside = False
            position = tag.end()
        elif not inside and closing:
            kept.clear()
            position = tag.end()
        elif not inside:
            kept.append(text[position : tag.start()])
            inside = True
    if not inside:
        kept.append(text[position:])
    return " ".join(kept) if len(kept) > 1 else "".join(kept)


_BOX = r"\\(?:boxed|fbox)\s*\{"
_FIRST_BOX = re.compile(_BOX)
_BRACES = re.compile(rf"(?P<box>\\?{_BOX})|\\.|(?P<open>\{{)|(?P<close>\}})", re.DOTALL)


def boxed(text: str) -> list[Located]:
    r"""Every `\boxed{…}` (or `\fbox{…}`) in the text, by position.

    Braces are balanced; `\{` and `\}` are signs, not braces. Of boxes inside boxes the innermost
    are given, blank boxes are left out. Of boxes that never close only the last is given, to the
    end of its line, with `complete` False.
    """
    # A brace before the first box is neither inside a box nor the end of one.
    first = _FIRST_BOX.search(text)
    if first is None:
        return []
    found: list[Located] = []
    # One entry for each open brace: where a box's content starts (-1 for a plain brace), and how
    # many boxes were found before it.
    stack: list[tuple[int, int]] = []
    for token in _BRACES.finditer(text, first.start()):
        sign = token.lastgroup
        if sign == "box":
            stack.append((token.end(), len(found)))
        elif sign == "open":
            stack.append((-1, len(found)))
        elif sign == "close" and stack:
            start, before = stack.pop()
            if start >= 0 and len(found) == before:
                _add(found, text, start, token.start(), complete=True)
    unclosed = [start for start, _ in stack if start >= 0]
    if unclosed and not (found and found[-1].start > unclosed[-1]):
        _add(found, text, unclosed[-1], _line_end(text, unclosed[-1]), complete=False)
    return found


def _add(found: list[Located], text: str, start: int, end: int, *, complete: bool) -> None:
    content = text[start:end]
    stripped = content.strip()
    if stripped:
        start += len(content) - len(content.lstrip())
        end = start + len(stripped)
        found.append(Located(stripped, start, end, complete, "boxed", stripped))


_HASH = r"(?P<hash>^[ \t]*\#{4}(?!\#))"
_HEADING = r"(?P<heading>^[ \t#*_]{0,12}(?:the[ ])?(?:final[ ]|correct[ ])?answer[ \t\r*_]{0,8}$)"
_PHRASE = r"""
    (?P<phrase>
      \b(?:
        answers?
        | (?:correct|right|best)[ ](?:option|choice|label|letter)
        | final[ ](?:result|solution)
      )
      (?:
        [ ](?:to|for|of|choice|option|here|in|that)\b[^\n.:=?!]{0,80}?
        | [ ]?\([^\n()]{0,40}\)
      )?
      [*_ \t]{0,6}
      (?:
        \b(?:(?:must|will|would|should)[ ]be|is|are|equals|becomes)\b(?:[*_ \t]{0,6}[:=])?
        | [:=]
      )
      (?:[*_]{1,3}(?=\s))?
    )
"""
_MARKERS = re.compile(rf"{_HASH}|{_HEADING}|{_PHRASE}", re.IGNORECASE | re.MULTILINE | re.VERBOSE)
_ANCHORS = ("####", "answer", "correct ", "right ", "best ", "final ")
"""Each marker's line holds one of these, and a phrase starts with one."""
_LIKE = (("ſ", "s"), ("ı", "i"), ("İ", "i"))
"""Letters that `re.IGNORECASE` takes for one of an anchor's and `str.lower` does not."""
_SENTENCE_END = re.compile(r"[.!?;。](?=[\s*]|$)")
_CLOSED = re.compile(r"(?:\*\*|\$|\\\)|\\\]|`)[.!]?$")


def marked(text: str) -> list[Located]:
    """Find what stands after `####`, "the answer is", "Final answer:", `**Answer:**`.

    By position. A piece ends with its line or its sentence. Where nothing but signs follows on the
    marker's own line, the first of the next lines that says something is taken.
    """
    return list(marked_from_end(text))[::-1]


def marked_from_end(text: str) -> Iterator[Located]:
    """Find the same as `marked`, the last first, each when it is asked for."""
    folded = _folded(text)
    anchors = sorted(at for word in _ANCHORS for at in _occurrences(folded, word))
    while anchors:
        # No marker runs over the end of a line, so lines can be searched from the last one on.
        line_start = text.rfind("\n", 0, anchors[-1]) + 1
        first = bisect_left(anchors, line_start)
        matches: list[re.Match[str]] = []
        position = line_start
        for start in (line_start, *anchors[first:]):
            if start >= position and (match := _MARKERS.match(text, start)):
                position = match.end()
                matches.append(match)
        del anchors[first:]
        for match in reversed(matches):
            if (piece := _after_marker(text, match)) is not None:
                yield piece


def _folded(text: str) -> str:
    """Lower the case, character by character, so that positions stay."""
    if not text.isascii():
        for letter, like in _LIKE:
            text = text.replace(letter, like)
    return text.lower()


def _occurrences(text: str, word: str) -> Iterator[int]:
    position = text.find(word)
    while position >= 0:
        yield position
        position = text.find(word, position + len(word))


def _after_marker(text: str, marker: re.Match[str]) -> Located | None:
    start = _content_start(text, marker.end())
    if start is None:
        return None
    limit = start + LONGEST_MARKED
    line_end = text.find("\n", start, limit)
    has_newline = line_end >= 0
    if not has_newline:
        line_end = min(limit, len(text))
    sentence = _SENTENCE_END.search(text, start, line_end)
    if sentence is None and line_end == limit and not has_newline:
        return None
    end = sentence.start() if sentence else line_end
    content = text[start:end].rstrip()
    if not content:
        return None
    # A full stop that ends the text may be half a decimal; one before more text is an end.
    more = has_newline or (sentence is not None and sentence.end() < len(text))
    return Located(
        text=content,
        start=start,
        end=start + len(content),
        complete=more or _closes(text, start, start + len(content)),
        marker="hash" if marker["hash"] else "phrase",
        line=text[start:line_end].rstrip(),
    )


def last_line(text: str) -> str:
    """Give the last line that is not blank, stripped; "" when there is none."""
    stripped = text.rstrip()
    return stripped[stripped.rfind("\n") + 1 :].strip()


def _closes(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` ends with the second of two signs that enclose it."""
    closing = _CLOSED.search(text, start, end)
    if closing is None:
        return False
    sign = closing[0].rstrip(".!")
    line_start = text.rfind("\n", max(0, start - LONGEST_MARKED), start) + 1
    before = text[max(line_start, start - LONGEST_MARKED) : closing.start()]
    opening = {"\\)": "\\(", "\\]": "\\["}.get(sign)
    return opening in before if opening else before.count(sign) % 2 == 1


_SAYS_SOMETHING = re.compile(r"[^\W_]")


def _content_start(text: str, position: int) -> int | None:
    """Where the first line that says something starts, from the marker's end on."""
    for _ in range(4):
        end = text.find("\n", position, position + LONGEST_MARKED)
        line_end = end if end >= 0 else min(len(text), position + LONGEST_MARKED)
        if _SAYS_SOMETHING.search(text, position, line_end):
            while text[position].isspace():
                position += 1
            return position
        if end < 0:
            return None
        position = end + 1
    return None


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
