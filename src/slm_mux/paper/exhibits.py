"""The tables and figures of the paper that can be run again, and what each of them needs."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from slm_mux.discussion.workflows import ALIASES
from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Pool
from slm_mux.questions import check_name
from slm_mux.wording import counted


class Exhibit(Struct, frozen=True, kw_only=True):
    """A table or a figure."""

    name: str
    title: str
    models: str
    """The paper's, for people."""
    temperature: float
    """The paper's."""
    draws: int
    """Of each model on the measured problems; the most that the paper has."""
    searches: bool = False
    """Whether subsets are chosen on the validation split, so that it is needed."""
    measures: bool = True
    """Whether it has problems that nothing was chosen on."""
    lines: tuple[str, ...] = ()
    """What --only can pick."""
    discussions: str | None = None
    """How the paper holds its discussions, as far as is known; None: it has none here."""


_STAGE1 = "Mixtral 8x7B, Llama 3.1 8B, Gemma 2 27B"
_STAGE2 = "Gemma 2 27B, Llama 3.1 8B, Mistral Small 24B, Mixtral 8x7B, Qwen2.5 7B"

DISCUSSIONS = ("mixture_of_agents", "debate", "multi_agent_verification")
"""The methods of table 1 in which models read each other."""

EXHIBITS: Mapping[str, Exhibit] = MappingProxyType(
    {
        one.name: one
        for one in (
            Exhibit(
                name="table1",
                title="three models and mux, beside methods in which models read each other",
                models=_STAGE1,
                temperature=0.3,
                draws=3,
                lines=(*DISCUSSIONS, "mux", "single", "self_consistency"),
                discussions=(
                    "three rounds, which may be a debate's, or repetitions of the experiment; the "
                    "rest is not known here"
                ),
            ),
            Exhibit(
                name="table2",
                title="pairs that the search chose, beside the best single model of each",
                models=_STAGE2,
                temperature=0.5,
                draws=3,
                searches=True,
            ),
            Exhibit(
                name="table3",
                title="mux and Agent Forest with 2 draws of each model, and with the best number",
                models=_STAGE2,
                temperature=0.5,
                draws=9,
                searches=True,
                lines=("mux", "agent_forest"),
            ),
            Exhibit(
                name="table4",
                title="the best after scaling, beside one large model",
                models=_STAGE2,
                temperature=0.5,
                draws=9,
                searches=True,
            ),
            Exhibit(
                name="figure7",
                title="objective, union accuracy and contradiction of the best subset of each size",
                models=_STAGE2,
                temperature=0.5,
                draws=3,
                searches=True,
                measures=False,
                lines=("objective", "union", "contradiction"),
            ),
            Exhibit(
                name="figure8",
                title="accuracy and union accuracy of the best subset of each size",
                models=_STAGE2,
                temperature=0.5,
                draws=3,
                searches=True,
                lines=("mux", "union"),
            ),
            Exhibit(
                name="figure9",
                title="accuracy against the draws of each model, for mux and Agent Forest",
                models=_STAGE2,
                temperature=0.5,
                draws=9,
                searches=True,
                lines=("mux", "agent_forest"),
            ),
        )
    }
)
"""By the names of the command line."""


def exhibit_of(name: str) -> Exhibit:
    """Look an exhibit up.

    Raises:
        InvalidRequestError: there is none of that name; names the nearest.
    """
    check_name("table or figure", name, tuple(EXHIBITS))
    return EXHIBITS[name]


def check_pool(exhibit: Exhibit, pool: Pool) -> None:
    """Refuse a pool that the exhibit cannot be made of.

    Raises:
        InvalidRequestError: it has one model.
    """
    if len(pool) < 2:
        raise InvalidRequestError(
            f"{exhibit.name} is about models together, and the pool has "
            f"{counted(len(pool), 'model')} to put together: it needs two or more (the paper: "
            f"{exhibit.models})"
        )


def lines_of(exhibit: Exhibit, only: tuple[str, ...]) -> tuple[str, ...]:
    """Pick lines of an exhibit; all of them where none is named.

    Args:
        exhibit: the table or figure.
        only: names of its lines, or short ones of methods.

    Raises:
        InvalidRequestError: it has no such line.
    """
    if only and not exhibit.lines:
        raise InvalidRequestError(f"{exhibit.name} has nothing that --only could leave out")
    named = [ALIASES.get(name, name) for name in only]
    for name in named:
        check_name("line", name, exhibit.lines)
    return tuple(line for line in exhibit.lines if not named or line in named)
