"""Reads completions: short ones at once, long and slow ones in a thread."""

import asyncio
from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from slm_mux.answers.base import AnswerKind
from slm_mux.answers.text import TextKind
from slm_mux.sampling.tally import Tally
from slm_mux.types import Answer, Completion

LONGEST_READ_IN_THE_LOOP = 4_000
"""Characters. The slowest quick kinds, on the texts that are worst for them, take 5 to 7 ms for so
many, and that grows with the length; all other requests would wait for it."""


def longest_here(kind: AnswerKind | None) -> int:
    """The length of a completion up to which it is read in the event loop's thread; -1: never."""
    return -1 if kind is None or kind.may_block else LONGEST_READ_IN_THE_LOOP


async def read_completion(kind: AnswerKind | None, completion: Completion | None) -> Answer | None:
    """Read a completion: its calls of tools where it has some and the kind reads them."""
    if completion is None or kind is None:
        return None
    read_calls = getattr(kind, "read_calls", None) if completion.tool_calls else None
    if read_calls is None:
        read = partial(kind.read, completion.text, cut_off=completion.cut_off)
        length = len(completion.text)
    else:
        read = partial(read_calls, completion.tool_calls, cut_off=completion.cut_off)
        length = sum(len(call.arguments) for call in completion.tool_calls)
    # For kinds that block, and long texts; others are read in less time than a thread costs.
    return read() if length <= longest_here(kind) else await asyncio.to_thread(read)


async def read_as_text(tally: Tally, readers: Mapping[str, AnswerKind]) -> tuple[Tally, str]:
    """Read the completions that are in once more, as texts; nothing is drawn.

    Where none can be read as its model's reader does, each is taken as it stands: half a text, or a
    program that does not run, is more than nothing.

    Args:
        tally: it is not changed.
        readers: of texts, by model.

    Returns:
        A new tally, and in words what its texts are.
    """
    texts = await _read_again(tally, readers)
    if texts.has_answer:
        return texts, "texts are compared"
    whole = TextKind(cut_off_too=True)
    every = await _read_again(tally, {drawer.model: whole for drawer in tally.drawers})
    return every, "texts are compared, cut off or not"


async def _read_again(tally: Tally, readers: Mapping[str, AnswerKind]) -> Tally:
    again = Tally(tally.drawers)
    for sample in tally:
        answer = await read_completion(readers[sample.model], sample.completion)
        again.record(replace(sample, answer=answer))
    return again
