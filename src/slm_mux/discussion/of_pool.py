"""A pool file's `methods`: the workflows that it sets, each mistake with its line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.discussion.base import Workflow
from slm_mux.discussion.workflows import ALIASES, workflow_of
from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.pool import Pool


def workflows_of(pool: Pool, names: Sequence[str]) -> list[Workflow]:
    """Make workflows as a pool file sets them.

    Args:
        pool: whose members discuss.
        names: of methods, or their short ones; each once comes out.

    Raises:
        PoolError: the file sets one wrongly; with its line.
        InvalidRequestError: there is no such method, or the pool cannot do it.
    """
    given = _given(pool)
    made = []
    for name in dict.fromkeys(ALIASES.get(name, name) for name in names):
        if name in given:
            made.append(_made(pool, *given[name]))
        else:
            workflow = workflow_of(name)
            workflow.check([member.name for member in pool])
            made.append(workflow)
    return made


def check_methods(pool: Pool) -> None:
    """Check everything that a pool file says of methods.

    Raises:
        PoolError: with file, line, and the nearest name.
    """
    for key, settings in _given(pool).values():
        _made(pool, key, settings)


def _given(pool: Pool) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """By the method's name: as the file calls it, and its settings."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for key, settings in pool.methods.items():
        name = ALIASES.get(key, key)
        if name in found:
            raise _error(pool, key, f"`{key}` and `{found[name][0]}` are one method; set it once")
        if not isinstance(settings, Mapping | None):
            raise _error(pool, key, f"`{key}`: its settings are a mapping, such as {{rounds: 2}}")
        found[name] = (key, settings or {})
    return found


def _made(pool: Pool, key: str, settings: Mapping[str, Any]) -> Workflow:
    try:
        workflow = workflow_of(key, settings)
        workflow.check([member.name for member in pool])
    except InvalidRequestError as error:
        text = str(error)
        raise _error(pool, key, text, *_setting_in(text, settings)) from None
    return workflow


def _setting_in(text: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The setting that a complaint names first; empty where it names none."""
    found = {name: re.search(rf"\b{re.escape(str(name))}\b", text) for name in settings}
    places = {name: match.start() for name, match in found.items() if match}
    return () if not places else (min(places, key=lambda name: places[name]),)


def _error(pool: Pool, key: str, message: str, *setting: str) -> PoolError:
    return pool.lines.error(("methods", key, *setting), message)
