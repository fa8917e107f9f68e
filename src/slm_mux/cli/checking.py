"""What `slm-mux models` does: ask every member for one token and every endpoint what it serves."""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace
from rich.table import Table
from rich.text import Text

from slm_mux.answers import make_kind
from slm_mux.answers.prompt import prompt_messages
from slm_mux.cli.console import print_json, results
from slm_mux.errors import ModelError, WeightsError
from slm_mux.models.base import Request
from slm_mux.models.pool import Member, Pool
from slm_mux.sampling.limits import Limiter

if TYPE_CHECKING:
    from slm_mux.models.embedded import EmbeddedEngine

ANSWER_WITHIN = 60.0
"""Seconds; a server may have to load the model first."""


class Check(Struct, frozen=True, kw_only=True):
    """One member, and whether it answers."""

    model: str
    source: str
    """The endpoint's URL without secrets, or the model file."""
    answers: bool
    seconds: float | None = None
    """From the request to its one token; None when none came."""
    problem: str | None = None
    serves: tuple[str, ...] = ()
    """What the endpoint serves, where it says so."""
    validation_accuracy: dict[str, float] = {}


def check_and_show(pool: Pool, *, as_json: bool) -> bool:
    """Check every member and print a table, or one JSON document.

    Returns:
        Whether any of them answers.
    """
    checks = asyncio.run(_check_all(pool))
    any_answers = any(check.answers for check in checks)
    if as_json:
        print_json({"pool": str(pool.path) if pool.path else None, "models": to_builtins(checks)})
        return any_answers
    console = results()
    console.print(f"pool: {pool.path or 'built-in models'}", markup=False)
    console.print(_table(checks))
    for check in checks:
        if check.problem:
            problem = check.problem.removeprefix(check.model).lstrip(":").strip()
            console.print(Text(f"{check.model}: {problem}", "red"), soft_wrap=True)
    served = {check.source: check.serves for check in checks if check.serves}
    for source, names in served.items():
        console.print(Text(f"{source} serves: {', '.join(names)}"), soft_wrap=True)
    return any_answers


async def _check_all(pool: Pool) -> list[Check]:
    limiters = {member.model.endpoint: Limiter(member.model.limits) for member in pool}
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_check(member, limiters[member.model.endpoint]))
                for member in pool
            ]
    finally:
        for member in pool:
            await member.model.aclose()
    return [task.result() for task in tasks]


async def _check(member: Member, limiter: Limiter) -> Check:
    from slm_mux.models.embedded import EmbeddedModel
    from slm_mux.models.openai import OpenAIModel

    facts: dict[str, Any] = {
        "model": member.name,
        "source": member.model.endpoint,
        "validation_accuracy": member.validation_accuracy,
    }
    if isinstance(member.model, EmbeddedModel):
        facts["source"] = member.model.engine.source
        problem = _missing_package(member.name) or _missing_weights(member.model.engine)
        if problem is not None:
            return Check(**facts, answers=False, problem=problem)
    if isinstance(member.model, OpenAIModel):
        facts["source"] = member.model.http.safe_url
        facts["serves"] = await _served(member.model)
    request = Request(
        messages=prompt_messages(
            [{"role": "user", "content": "Say OK."}], make_kind("text"), system=member.system
        ),
        generation=replace(member.generation, max_tokens=1),
    )
    started = time.perf_counter()
    try:
        async with limiter.slot(member.name):
            started = time.perf_counter()
            async with asyncio.timeout(ANSWER_WITHIN):
                await member.model.complete(request)
    except ModelError as error:
        return Check(**facts, answers=False, problem=str(error))
    except TimeoutError:
        return Check(**facts, answers=False, problem=f"no answer within {ANSWER_WITHIN:.0f} s")
    seconds = time.perf_counter() - started
    asked, listed = getattr(member.model, "model", None), facts.get("serves")
    unlisted = f"answers, but does not list {asked!r}" if listed and asked not in listed else None
    return Check(**facts, answers=True, seconds=seconds, problem=unlisted)


def _missing_package(name: str) -> str | None:
    from slm_mux.models.llama import check_package

    try:
        check_package(name)
    except ModelError as error:
        return str(error)
    return None


def _missing_weights(engine: "EmbeddedEngine") -> str | None:
    from slm_mux.models.weights import fetched

    try:
        here = fetched(engine.source, sha256=engine.sha256)
    except WeightsError as error:
        return str(error)
    if here:
        return None
    source = engine.source
    fetchable = source.startswith(("builtin:", "hf:"))
    if not fetchable:
        return "there is no such file"
    stated = f" --sha256 {engine.sha256}" if engine.sha256 else ""
    return f"not fetched yet: slm-mux models pull {source}{stated}"


async def _served(model: Any) -> tuple[str, ...]:
    from slm_mux.models.probe import served_models

    try:
        return tuple(await served_models(model.http))
    except ModelError:
        return ()


def _table(checks: Sequence[Check]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("model", "answers", "seconds", "source"):
        table.add_column(heading)
    for check in checks:
        table.add_row(
            Text(check.model, "bold"),
            Text("yes", "green") if check.answers else Text("no", "red"),
            "" if check.seconds is None else f"{check.seconds:.2f}",
            Text(check.source),
        )
    return table
