"""What others said, as it goes into a prompt: without reasoning, cut by rule where it is long."""

from collections.abc import Sequence

from slm_mux.discussion.base import Speaker, Turn
from slm_mux.discussion.sizes import THIRDS, end_of, size

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
    """How much of quotes fits into a speaker's context.

    Args:
        speaker: who is to read them.
        rest: the size of everything else in its prompt, as `slm_mux.discussion.sizes` reckons it.

    Returns:
        A size in thirds of a token, >= 0; None where its context is not known, so that nothing is
        cut.
    """
    if speaker.context is None:
        return None
    limit = speaker.generation.max_tokens
    answer = min(ANSWER_TOKENS if limit is None else limit, speaker.context // 2)
    return max(0, (speaker.context - answer) * THIRDS - rest)


def fitted(texts: Sequence[str], room: int | None) -> tuple[list[str], bool]:
    """Shorten texts so that together they are no larger than allowed.

    The largest are cut first, all to one size; of each the end is kept, where the answer stands.

    Args:
        texts: what is quoted.
        room: for all together, in thirds of a token; None for no limit.

    Returns:
        The texts in their order, and whether any was cut.
    """
    sizes = [size(text) for text in texts]
    if room is None or sum(sizes) <= room:
        return list(texts), False
    level = _level(sorted(sizes), room)
    cut = [
        text if own <= level else _end(text, level) for text, own in zip(texts, sizes, strict=True)
    ]
    return cut, True


def _level(sizes: Sequence[int], room: int) -> int:
    """The greatest size at which all texts, cut to it, fit; the sizes come smallest first."""
    left = room
    for place, own in enumerate(sizes):
        share = left // (len(sizes) - place)
        if own > share:
            return share
        left -= own
    return max(sizes, default=0)


def _end(text: str, most: int) -> str:
    end = end_of(text, most - size(LEFT_OUT))
    return LEFT_OUT + end if end else ""
