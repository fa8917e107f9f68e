"""Which methods a pool is served by; of those it is not, why not."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from slm_mux.discussion.workflows import WORKFLOWS
from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.pool import Pool
from slm_mux.mux.discussing import workflow_for
from slm_mux.mux.methods import METHODS
from slm_mux.server.wire.caps import Caps

NOTHING: Mapping[str, str] = MappingProxyType({})


class ServedMethods(Struct, frozen=True):
    """The methods of one pool."""

    names: tuple[str, ...]
    """Full names, `mux` first."""
    refused: Mapping[str, str] = NOTHING
    """Why another one is not served, by its full name; as clients may know it."""
    logged: Mapping[str, str] = NOTHING
    """The same as it stands in the log, with the pool file's lines."""


def methods_of(pool: Pool, caps: Caps) -> ServedMethods:
    """Find the methods that a pool can be asked by.

    Args:
        pool: with the settings of methods in which models read each other.
        caps: what one request may cost; such a method asks for as many draws as its settings say.
    """
    refused: dict[str, str] = {}
    logged: dict[str, str] = {}
    for method in WORKFLOWS:
        try:
            calls = workflow_for(pool, method).calls([member.name for member in pool])
        except PoolError as error:
            refused[method] = "its settings are wrong; the server's log says where"
            logged[method] = str(error)
        except InvalidRequestError as error:
            refused[method] = logged[method] = str(error)
        else:
            if calls > caps.max_draws:
                refused[method] = logged[method] = (
                    f"{method} takes up to {calls:,} draws of this pool, but a request may have "
                    f"at most {caps.max_draws:,} (max_draws)"
                )
    names = tuple(name for name in METHODS if name not in refused)
    return ServedMethods(names, refused, logged)
