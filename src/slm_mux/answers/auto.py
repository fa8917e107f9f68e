"""Which kind of answer a question wants, decided from the question alone.

The rules are tried in the order of `detect_kind`; the first that holds decides. They prefer to say
"text" over a guess, since reading the wrong kind loses answers and comparing whole texts loses only
agreement.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from slm_mux.types import ProblemKind

LONGEST_OPTION = 400
"""Characters of one option's text."""


def detect_kind(
    question: str, *, choices: Mapping[str, str] | None = None, labels: Sequence[str] = ()
) -> tuple[ProblemKind, str]:
    """Decide the kind of answer and say why.

    Args:
        question: the user's words.
        choices: the choices that came with the question, if any.
        labels: the labels that came with it, if any.

    Returns:
        The kind, and the reason in words. For "choice" without `choices`, `choices_in` gives them.
    """
    if choices:
        return "choice", f"{len(choices)} choices were given"
    if labels:
        return "label", f"{len(labels)} labels were given"
    # The word first: looking for the whole phrase costs a hundred times as much.
    if "json" in question.casefold() and _JSON.search(question):
        return "json", "the question asks for JSON"
    if options := choices_in(question):
        return "choice", f"the question lists the options {', '.join(options)}"
    if found := _REWRITTEN.search(question):
        return "math", f"the question asks for an expression (“{_short(found)}”)"
    if found := _OPEN.match(question.strip()):
        return "text", f"the question asks for prose (“{_short(found)}”)"
    for pattern, reason in _MATHS:
        if found := pattern.search(question):
            return "math", f"{reason} (“{_short(found)}”)"
    for pattern, reason in _NUMBERS:
        if found := pattern.search(question):
            return "number", f"{reason} (“{_short(found)}”)"
    if (found := _MEASURE.search(question)) and re.search(r"\d", question):
        return "number", f"it gives numbers and asks for a measure (“{_short(found)}”)"
    if (found := _asks_of_numbers(question)) is not None:
        return "number", f"it gives numbers and asks “{_short(found)}”"
    return "text", "nothing in the question asks for another kind"


def choices_in(question: str) -> dict[str, str]:
    """Read the options that a question lists, "A) … B) …", text by label.

    Labels run from A (or a, or 1) without a gap, two at least. Options stand on lines of their own
    ("A. …", "A) …", "(A) …", "1) …"), or in running text with a bracket ("A) … B) …", "(a) …").
    Parts of a task ("(a) Find …") are no options, nor are numbered lines unless the question says
    that one is to be chosen.

    Returns:
        The options in order; empty when there are none.
    """
    to_be_chosen: bool | None = None
    for pattern in (_OPTION_LINE, _OPTION_INLINE):
        marks = list(pattern.finditer(question))
        for run in _runs(marks):
            options = _options(question, run)
            if not options or not _plausible(options):
                continue
            if "1" not in options:
                return options
            if to_be_chosen is None:
                # Searched once: a long text may hold thousands of runs.
                to_be_chosen = _TO_BE_CHOSEN.search(question) is not None
            if to_be_chosen:
                return options
    return {}


_OPTION_LINE = re.compile(
    r"^[ \t>*-]{0,8}[(\[]?(?P<label>[A-Za-z]|\d{1,2})(?P<sign>[)\].:])\**[ \t]+(?=\S)", re.MULTILINE
)
_OPTION_INLINE = re.compile(r"(?<![\w(])[(\[]?(?P<label>[A-Za-z])(?P<sign>[)\]])[ \t]*(?=\S)")
_PART_OF_A_TASK = re.compile(
    r"(?:find|compute|calculate|determine|show|prove|what|how|why|explain|describe|write|give|sketch"
    r"|evaluate|solve|state|list|draw|discuss|define|is|are|does|do)\b",
    re.IGNORECASE,
)
_TO_BE_CHOSEN = re.compile(
    r"\b(?:which|choose|choices?|select|options?|pick|following|multiple[ -]choice)\b",
    re.IGNORECASE,
)


def _runs(marks: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    """Give the runs A, B, C, … of marks, the last in the question first."""
    runs: list[list[re.Match[str]]] = []
    for mark in marks:
        label = mark["label"]
        if label in ("A", "a", "1"):
            runs.append([mark])
        elif runs and _follows(runs[-1][-1]["label"], label):
            runs[-1].append(mark)
    return reversed([run for run in runs if len(run) > 1])


def _follows(label: str, after: str) -> bool:
    if label.isdigit() or after.isdigit():
        return label.isdigit() and after.isdigit() and int(after) == int(label) + 1
    return ord(after) == ord(label) + 1


def _options(question: str, run: list[re.Match[str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for position, mark in enumerate(run):
        is_last = position + 1 == len(run)
        end = len(question) if is_last else run[position + 1].start()
        text = question[mark.end() : min(end, mark.end() + LONGEST_OPTION + 1)]
        if is_last:
            text = text.split("\n", 1)[0]
        text = " ".join(text.split()).rstrip(" ,;")
        text = re.sub(r"[,;]? (?:or|and)$", "", text)
        if not text or len(text) > LONGEST_OPTION:
            return {}
        options[mark["label"]] = text
    return options


def _plausible(options: dict[str, str]) -> bool:
    """Whether these, text by label, may be chosen from: parts of a task and dialogues may not."""
    if any(_PART_OF_A_TASK.match(text) and text.endswith((".", "?")) for text in options.values()):
        return False
    return not any(text.endswith("?") for text in options.values())


LONGEST_ENDING = 400
"""Characters in which the last sentence of a word problem is looked for."""
LONGEST_STORY = 4000
"""Characters in which its numbers are counted."""

_JSON = re.compile(
    r"\b(?:return|output|respond|reply|answer|give|format|produce|generate|provide|write|convert"
    r"|extract|print|as|in|into|to|using|valid|only)\b[^.?!\n]{0,60}\bJSON\b"
    r"(?!\s+(?:schema|parser|library|file\s+format|mean|stand|is|stands))|\bJSON\s+(?:only|output)\b",
    re.IGNORECASE,
)
_REWRITTEN = re.compile(
    r"\b(?:write|express|give|convert)\b[^?!\n]{1,80}?\b(?:as|in|to)\s+(?:an?\s+)?(?:\w+\s+)?"
    r"(?:fraction|decimal|radical form|simplest form|lowest terms|terms of|interval notation"
    r"|scientific notation|mixed number|improper fraction)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"(?:please\s+|can you\s+|could you\s+|would you\s+)?(?:help me\s+)?"
    r"(?:explain|describe|why|write|summari[sz]e|translate|tell me (?:a|about)|discuss|compare"
    r"|prove|show that|suggest|recommend|draft|compose|rewrite|paraphrase|define|create|list"
    r"|implement|who|where|how (?:do|does|can|should|would|could|to|did|is|are)"
    r"|what (?:does|do) .{1,40} mean)\b",
    re.IGNORECASE,
)
_MATHS = (
    (
        re.compile(
            r"\\(?:frac|dfrac|tfrac|sqrt|int|sum|prod|lim|log|ln|sin|cos|tan|pi|theta|alpha|cdot"
            r"|times|le|ge|leq|geq|begin|left|mathbb|binom|pmod|angle|triangle|overline)(?![A-Za-z])"
            r"|\\\(|\\\["
        ),
        "it is written in LaTeX",
    ),
    (
        re.compile(r"\$(?!\d[\d,.]*\s)[^$\n]{0,80}[=^_+<>\\][^$\n]{0,200}\$|\$[A-Za-z]\$"),
        "it is written in LaTeX",
    ),
    (
        re.compile(
            r"\b(?:simplify|factori[sz]e|factor (?:the|completely|x|\d)|differentiate|integrate"
            r"|derivative of|antiderivative|integral of|solve for|solve the (?:equation|inequality"
            r"|system)|roots? of the (?:equation|polynomial)|find all (?:real |positive |integer |"
            r"complex )?(?:values|solutions|roots|integers|numbers|zeros))",
            re.IGNORECASE,
        ),
        "it asks for mathematics",
    ),
    (
        re.compile(r"\b(?:expand|factor|solve|evaluate|if|where|let|find|what is)\b[^?!\n]{0,60}?"
                   r"(?:\b\d*[a-z]\s?(?:\^|\*\*|²|³)|\b\d+[a-z]\b\s?[-+=]|\b[a-z]\s?[-+*/]\s?\d+\s?=)",
                   re.IGNORECASE),
        "it asks about an expression with a variable",
    ),
)  # fmt: skip
_BEFORE, _AFTER = r"(?:\d[\d.,]{0,19})?\d", r"\d(?:[\d.,]{0,19}\d)?"
"""Whole numbers beside a sign, which are quoted; their length is bounded to bound the time."""
_ARITHMETIC = (
    rf"{_BEFORE}\s?(?:[+*/×÷^%]|[-–−]|x|plus|minus|times|divided by|multiplied by)"
    rf"\s\(?[-−]?{_AFTER}"
    rf"|{_BEFORE}[+*×÷^]\(?{_AFTER}|{_BEFORE}\s?%\s?of\s"
)
_NUMBERS = (
    (
        re.compile(r"\bhow\s+(?:many|much|old)\b", re.IGNORECASE),
        "it asks for a quantity",
    ),
    (
        re.compile(
            r"\bwhat(?:'s|\s+is|\s+was|\s+will\s+be|\s+are)?\s+(?:the\s+|her\s+|his\s+|their\s+|its\s+)?"
            r"(?:\w+\s+){0,2}(?:percent(?:age)?|total|sum|number\s+of|average|mean|median|product\s+of"
            r"|difference\s+between|cost|price|probability|area|perimeter|volume|remainder|profit"
            r"|speed|distance|square\s+root|value\s+of)\b",
            re.IGNORECASE,
        ),
        "it asks for a quantity",
    ),
    (
        re.compile(
            r"\b(?:what|which)\s+(?:fraction|number)\b|\b(?:next|missing)\s+(?:number|term)\b"
            r"|\b(?:round|convert)\s+\d",
            re.IGNORECASE,
        ),
        "it asks for a number",
    ),
    (re.compile(r"\b(?:in\s+)?(?:what|which)\s+year\b", re.IGNORECASE), "it asks for a year"),
    (re.compile(_ARITHMETIC, re.IGNORECASE), "it is arithmetic"),
    (
        re.compile(
            r"\b(?:calculate|compute|find|determine)\s+(?:the\s+|her\s+|his\s+|their\s+)?(?:\w+\s+){0,3}"
            r"(?:number|total|sum|average|percentage|cost|price|amount|profit|area|volume|perimeter"
            r"|probability|product|mean|median|distance|speed)\b",
            re.IGNORECASE,
        ),
        "it asks for a quantity",
    ),
)  # fmt: skip
_MEASURE = re.compile(r"\bhow\s+(?:long|far|tall|fast|heavy|high|deep|wide|often)\b", re.IGNORECASE)


_NUMERAL = re.compile(r"\d[\d,.]*")
_LAST_SENTENCE = re.compile(r"[^.?!\n]*(?:\.\d[^.?!\n]*)*[.?!]?\s*\Z")
_ASKS = re.compile(
    r"\b(?:what(?:'s|’s)?|calculate|compute|find|determine|how\s+(?:big|large|small|hot|cold))\b[^,;]*",
    re.IGNORECASE,
)
_NO_QUANTITY = re.compile(
    r"\b(?:who|whom|whose|names?|called|why|means?|words?|colou?r|country|city|language|day|time"
    r"|month|happen(?:s|ed)?|kind|type|sort|reason|purpose|difference between \w+ and)\b",
    re.IGNORECASE,
)


def _asks_of_numbers(question: str) -> re.Match[str] | None:
    """What a word problem asks in its last sentence, where it gives at least two numbers."""
    ending = question[-LONGEST_ENDING:].rstrip()
    if len(_NUMERAL.findall(question[-LONGEST_STORY:])) < 2:
        return None
    sentence = _LAST_SENTENCE.search(ending)
    if sentence is None or _NO_QUANTITY.search(sentence[0]):
        return None
    return _ASKS.search(sentence[0])


def _short(found: re.Match[str]) -> str:
    words = " ".join(found[0].split())
    return words if len(words) <= 40 else f"{words[:39]}…"
