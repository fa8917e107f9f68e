"""Where a draw's seed comes from."""

import hashlib

import msgspec

from slm_mux.types import Message

SEED_BITS = 31
"""Seeds fit a signed 32-bit integer, which every endpoint accepts."""


def draw_seed(seed: int, model: str, problem: str, draw: int) -> int:
    """Derive a draw's own seed: equal inputs give equal seeds, on every machine.

    Returns:
        An integer in [0, 2**31).
    """
    parts = msgspec.json.encode((seed, model, problem, draw))
    digest = hashlib.blake2b(parts, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - SEED_BITS)


def problem_id(messages: tuple[Message, ...]) -> str:
    """Name a question that has no name by its content."""
    return hashlib.blake2b(msgspec.json.encode(messages), digest_size=16).hexdigest()
