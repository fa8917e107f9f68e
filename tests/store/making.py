"""Small tasks, series and draws for the store's tests."""

from collections.abc import Iterable
from pathlib import Path

from slm_mux.store import Draw, Series, Store
from slm_mux.types import Completion, Failure, Problem


def problem(name: str = "q1", **changes: object) -> Problem:
    fields: dict[str, object] = {"question": f"What is {name}?", "kind": "number", "target": "7"}
    return Problem(id=name, **(fields | changes))  # type: ignore[arg-type]


def series(name: str = "q1", member: str = "m1", **changes: object) -> Series:
    fields: dict[str, object] = {
        "identity": f"openai:http://host/v1|{member}",
        "messages": ({"role": "user", "content": f"What is {name}?"},),
        "settings": {"temperature": 0.3, "max_tokens": 64},
        "seed": 0,
    }
    return Series(member=member, **(fields | changes))  # type: ignore[arg-type]


def completed(of: Series, draw: int = 0, text: str = "It is 7.", **changes: object) -> Draw:
    fields: dict[str, object] = {
        "seed": 11 + draw,
        "completion": Completion(
            text=text,
            finish_reason="stop",
            prompt_tokens=12,
            completion_tokens=5,
            served_model="m1-2026",
        ),
        "seconds": 0.25,
        "collected_at": "2026-11-21T12:00:00Z",
    }
    return Draw(series=of.digest, draw=draw, **(fields | changes))  # type: ignore[arg-type]


def failed(of: Series, draw: int = 0, message: str = "no reply") -> Draw:
    return Draw(
        series=of.digest, draw=draw, seed=3, failure=Failure("RequestTimeoutError", message, 2)
    )


def completion_of(store: Store, series: str, draw: int) -> Completion | None:
    """One completion of the store; None where it is not stored, or failed."""
    return next((one.completion for one in store.draws_of(series) if one.draw == draw), None)


def failures(store: Store, task: str = "demo") -> list[tuple[int, Failure]]:
    """A task's failed draws: their numbers and reasons."""
    draws = [record.draw for record in store.records(task)]
    return [(draw.draw, draw.failure) for draw in draws if draw.failure is not None]


def filled(
    path: Path,
    *,
    problems: int = 3,
    members: Iterable[str] = ("m1", "m2"),
    draws: int = 4,
    text: str = "It is 7.",
) -> Store:
    """A store with the task "demo": every member was asked every problem, `draws` times."""
    store = Store.open(path)
    names = [f"q{number}" for number in range(problems)]
    store.put_task("demo", [problem(name) for name in names], source="here", sha256="00")
    asked = [(name, series(name, member)) for name in names for member in members]
    store.put_asked("demo", asked)
    store.put_draws([completed(one, draw, text) for _, one in asked for draw in range(draws)])
    return store
