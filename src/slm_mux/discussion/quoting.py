"""What others said, as it goes into a prompt: without reasoning, cut by rule where it is long."""

from collections.abc import Sequence

from slm_mux.discussion.base import Speaker, Turn

CHARACTERS_PER_TOKEN = 3
"""Fewer than English and formulas have: what is estimated too short is only cut earlier."""
ANSWER_TOKENS = 1024
"""Left free for what is said next, where no limit is set."""
LEFT_OUT = "[...] "
"""Stands in place of a beginning that was left out."""


def quotable(turn: Turn, speaker: Speaker) -> str | None:
    """What others may read of a turn; of a program also what it printed.

    Args:
        turn: what was said.
        speaker: who said it.
    """
    if turn.text is None or turn.answer is None or speaker.style != "program":
        return turn.text
    return f"{turn.text}\n\nThis program prints: {turn.answer.text}"


def room_left(speaker: Speaker, rest: int) -> int | None:
    """How many characters of quotes fit into a speaker's context.

    Args:
        speaker: who is to read them.
        rest: characters of everything else in its prompt.

    Returns:
        >= 0; None where its context is not known, so that nothing is cut.
    """
    if speaker.context is None:
        return None
    limit = speaker.generation.max_tokens
    answer = min(ANSWER_TOKENS if limit is None else limit, speaker.context // 2)
    return max(0, (speaker.context - answer) * CHARACTERS_PER_TOKEN - rest)


def fitted(texts: Sequence[str], characters: int | None) -> tuple[list[str], bool]:
    """Shorten texts so that together they are no longer than allowed.

    The longest are cut first, all to one length; of each the end is kept, where the answer stands.

    Args:
        texts: what is quoted.
        characters: of all together; None for no limit.

    Returns:
        The texts in their order, and whether any was cut.
    """
    if characters is None or sum(map(len, texts)) <= characters:
        return list(texts), False
    level = _level(sorted(map(len, texts)), characters)
    return [text if len(text) <= level else _end(text, level) for text in texts], True


def _level(lengths: Sequence[int], characters: int) -> int:
    """The greatest length at which all texts, cut to it, fit; the lengths come shortest first."""
    left = characters
    for place, length in enumerate(lengths):
        share = left // (len(lengths) - place)
        if length > share:
            return share
        left -= length
    return max(lengths, default=0)


def _end(text: str, length: int) -> str:
    kept = length - len(LEFT_OUT)
    return LEFT_OUT + text[-kept:] if kept > 0 else ""
