"""Stores for the evaluation's tests, and evaluating them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from slm_mux.collecting.asking import Settings, asking
from slm_mux.evaluation.evaluate import evaluate
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.readers import Readers
from slm_mux.store import Draw, Series, Store
from slm_mux.types import Completion, Failure, Problem

TASK = "toy"

Drawn = Mapping[str, Mapping[str, Sequence[str | None]]]
"""Per member and problem: the numbers it answers; "?" is unreadable, None a failed draw."""


def problem(name: str, *, target: str | None = "7", split: str | None = None) -> Problem:
    return Problem(id=name, question=f"What of {name}?", kind="number", target=target, split=split)


def series(member: str, name: str, **changes: Any) -> Series:
    fields: dict[str, Any] = {
        "identity": f"openai:http://host/v1|{member}",
        "messages": ({"role": "user", "content": f"What of {name}?"},),
        "settings": {"temperature": 0.3},
        "seed": 0,
    }
    return Series(member=member, **(fields | changes))


def draws(of: Series, answers: Sequence[str | None], *, tokens: int | None = 5) -> list[Draw]:
    return [
        Draw(series=of.digest, draw=draw, failure=Failure("ServerFaultError", "503", 3))
        if answer is None
        else Draw(
            series=of.digest,
            draw=draw,
            completion=Completion(
                text="I do not know" if answer == "?" else f"so \\boxed{{{answer}}}",
                prompt_tokens=tokens and 2 * tokens,
                completion_tokens=tokens,
            ),
        )
        for draw, answer in enumerate(answers)
    ]


def stored(
    path: Path, problems: Sequence[Problem], drawn: Drawn, *, tokens: int | None = 5
) -> Store:
    """A store with one task; what is not in `drawn` was never asked."""
    store = Store.open(path)
    store.put_task(TASK, problems, source="made up", sha256="00")
    for member, answers in drawn.items():
        asked = {name: series(member, name) for name in answers}
        store.put_asked(TASK, list(asked.items()))
        store.put_draws(
            [
                one
                for name, given in answers.items()
                for one in draws(asked[name], given, tokens=tokens)
            ]
        )
    return store


def put_answers(
    store: Store,
    member: Member,
    problems: Sequence[Problem],
    answers: Mapping[str, Sequence[str | None]],
    *,
    seed: int = 0,
    settings: Settings | None = None,
) -> None:
    """Store what a pool's member answers to problems by name, as it is asked."""
    readers = Readers()
    for one in problems:
        if one.id in answers:
            asked = asking(
                member, one, k=1, seed=seed, settings=settings or Settings(), readers=readers
            ).series
            store.put_asked(TASK, [(one.id, asked)])
            store.put_draws(draws(asked, answers[one.id]))


def evaluated(store: Store, **question: Any) -> dict[str, Any]:
    """Evaluate the toy task."""
    with reading_and_scoring() as tools:
        return evaluate(store, Question(task=TASK, **question), **tools)


@contextmanager
def reading_and_scoring() -> Iterator[dict[str, Any]]:
    """What every evaluation and study reads and scores with."""
    with closing(Readers()) as readers, make_scorer() as scorer:
        yield {"readers": readers, "scorer": scorer}


def rows(document: Mapping[str, Any]) -> dict[str, Any]:
    """The methods' rows by name."""
    return {row["method"]: row for row in document["methods"]}


def pool_of(*names: str, samples: int = 2, **members: Mapping[str, Any]) -> Pool:
    """A pool of models that are asked nothing; `members` has more fields by name."""
    return Pool(
        [
            Member(model=ScriptedModel(name, ["7"]), **members.get(name, {}))
            for name in (*names, *(name for name in members if name not in names))
        ],
        samples=samples,
    )
