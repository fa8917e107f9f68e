"""The ways in which a model breaks a method's format; each method states what follows from it.

They are counted by discussion, and shown wherever the method's figures are.
"""

from collections.abc import Mapping
from types import MappingProxyType

from slm_mux.wording import counted

FAILED = "failed"
"""A draw brought no completion: the turn says nothing, and nobody reads it."""
UNREADABLE = "unreadable"
"""A turn that should answer the question holds no answer of the kind asked for."""
SILENT = "silent"
"""A completion is empty, or holds nothing but reasoning: nobody reads it."""
CUT = "cut"
"""What a model was to read was too long for its context, so the beginnings were left out."""
SUMMARISED = "summarised"
"""What a model was to read was too long for its context, so it was summarised first."""
UNSUMMARISED = "unsummarised"
"""The same, but no summary came: what was to be read was cut."""
FORGOTTEN = "forgotten"
"""An agent's own conversation was too long for its context, so only its last words were kept."""
UNCLEAR_VERDICT = "unclear_verdict"
"""A verifier said neither "correct" nor "wrong"; it counts as no approval."""
UNCLEAR_CHOICE = "unclear_choice"
"""A judge did not name one of the answers it was to choose from; the vote decides."""

_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        FAILED: ("call failed", "calls failed"),
        UNREADABLE: ("answer unreadable", "answers unreadable"),
        SILENT: ("reply empty", "replies empty"),
        CUT: ("prompt cut to fit", "prompts cut to fit"),
        SUMMARISED: ("prompt summarised to fit", "prompts summarised to fit"),
        UNSUMMARISED: ("summary missing", "summaries missing"),
        FORGOTTEN: ("conversation cut to the last words", "conversations cut to the last words"),
        UNCLEAR_VERDICT: ("verdict unclear", "verdicts unclear"),
        UNCLEAR_CHOICE: ("choice unclear", "choices unclear"),
    }
)


def in_words(counts: Mapping[str, int]) -> str:
    """Write counts of breaches for people: "1 call failed, 3 verdicts unclear"."""
    return ", ".join(
        counted(count, *_WORDS.get(name, (name, name))) for name, count in counts.items()
    )
