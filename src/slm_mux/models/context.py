"""How long a context an embedded model may have: no longer than it knows, or than memory holds.

llama.cpp would take memory for any context that it is told, until the system kills the process.
"""

import contextlib
from pathlib import Path

from slm_mux.errors import EmbeddedEngineError
from slm_mux.models.gguf import gguf_facts

DEFAULT_CONTEXT = 4096
"""Tokens of prompt and completion together."""

_MOST_TOKENS = 2**31 - 1
"""Of all slots together, as llama.cpp counts them."""


def checked_context(path: Path, context: int | None, *, slots: int, name: str) -> int:
    """Settle the context of a model file before llama.cpp sees it.

    Args:
        path: the GGUF file.
        context: tokens per slot, >= 1; None for `DEFAULT_CONTEXT`, or what the model was trained
            for where that is less.
        slots: requests served at the same time, >= 1.
        name: the model's, for errors.

    Raises:
        EmbeddedEngineError: the model was not trained for it, or the slots do not fit into memory.
    """
    facts = gguf_facts(path)
    trained = facts.context_length
    if context is None:
        context = _usual(trained)
    if trained is not None and context > trained:
        raise EmbeddedEngineError(
            f"{path}: context is {context}, but the model was trained for {trained} tokens; "
            f"set context to {trained} or less",
            model=name,
        )
    if slots * context > _MOST_TOKENS:
        raise EmbeddedEngineError(
            f"{path}: {slots} slots of {context} tokens are more than llama.cpp can count; lower "
            "slots or context",
            model=name,
        )
    free = available_memory()
    needed = None if facts.cache_bytes is None else slots * context * facts.cache_bytes
    if needed is not None and free is not None and needed > free:
        raise EmbeddedEngineError(
            f"{path}: {slots} slots of {context} tokens need {needed / 1e9:,.1f} GB of memory for "
            f"what the model has read, and {free / 1e9:,.1f} GB are free; lower slots or context",
            model=name,
        )
    return context


def usual_context(path: Path | None) -> int:
    """Tell the context that a model has where none is asked for.

    Args:
        path: the GGUF file; None where it may not be on this machine.
    """
    return _usual(None if path is None else gguf_facts(path).context_length)


def _usual(trained: int | None) -> int:
    return DEFAULT_CONTEXT if trained is None else min(DEFAULT_CONTEXT, trained)


def available_memory() -> int | None:
    """Bytes that this machine can still give to programs, swap included; None where unknown.

    Linux says so; a container's own limit (cgroup v2) counts as a whole, whatever of it is taken.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        known = {line.partition(":")[0]: line.split()[1] for line in lines}
        available = 1024 * (int(known["MemAvailable"]) + int(known["SwapFree"]))
    except (OSError, ValueError, KeyError, IndexError):
        return None
    with contextlib.suppress(OSError, ValueError):
        available = min(available, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return available
