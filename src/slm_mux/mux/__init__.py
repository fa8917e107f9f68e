"""Ask a pool one question, by mux or by any method that it is compared with.

asynchronous   `AsyncMux`, which asks
synchronous    `Mux`, the same without asyncio
methods        what may be asked for, and which draws each method makes
pooled_vote    one vote of all draws, as Agent Forest has it
discussing     methods in which models read each other: from a question to a decision
changes        who changed an answer after reading whom
"""

from slm_mux.mux.asynchronous import AsyncMux
from slm_mux.mux.synchronous import Mux

__all__ = ["AsyncMux", "Mux"]
