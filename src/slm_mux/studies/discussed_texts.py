"""The texts of failed discussions, from the store; bounded, so that a document is."""

from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.dissecting.turns import Held, Said
from slm_mux.errors import StoreError
from slm_mux.store.store import Store
from slm_mux.studies.explaining_methods import EXPLAINED, failed_first
from slm_mux.studies.worst import shortened
from slm_mux.types import Problem

QUESTION_CHARACTERS = 6000
TEXT_CHARACTERS = 2000
"""Of each text; a longer one keeps its beginning and its end."""


def worst_discussions(
    store: Store, task: str, method: str, discussions: Sequence[Held], most: int
) -> list[dict[str, Any]]:
    """Tell failed discussions with their texts.

    Args:
        store: with the task and the texts.
        task: its name.
        method: that held them.
        discussions: failed or not.
        most: how many, >= 0, in the order of `failed_first`.

    Raises:
        StoreError: a text is not there, or damaged.
    """
    chosen = failed_first(method, discussions)[:most]
    if not chosen:
        return []
    problems = {problem.id: problem for problem in store.problems(task)}
    found = []
    for held in chosen:
        texts = texts_of(store, held.turns)
        problem = problems.get(held.problem)
        found.append(
            {
                "problem": held.problem,
                "kind": EXPLAINED[method].kind_of(held),
                "question": None if problem is None else _question(problem),
                "target": None if problem is None else problem.target,
                "answer": held.answer_key,
                "decided_by": held.decided_by,
                "turns": [
                    {
                        "step": turn.step,
                        "model": turn.speaker,
                        "answer": turn.key,
                        "correct": turn.correct,
                        "ended": turn.ended,
                        "heard": list(turn.heard),
                        "text": None if text is None else shortened(text, TEXT_CHARACTERS).text,
                    }
                    for turn, text in zip(held.turns, texts, strict=True)
                ],
            }
        )
    return found


def texts_of(store: Store, turns: Sequence[Said]) -> list[str | None]:
    """Look up what was said in some turns.

    Returns:
        One text for each; None where the draw failed.

    Raises:
        StoreError: a text is not there, or damaged.
    """
    by_series: dict[str, Mapping[int, str | None]] = {}
    found = []
    for turn in turns:
        if turn.series not in by_series:
            by_series[turn.series] = {
                draw.draw: None if draw.completion is None else draw.completion.text
                for draw in store.draws_of(turn.series)
            }
        drawn = by_series[turn.series]
        text = drawn.get(turn.draw)
        if text is None and turn.ended != "failed":
            raise StoreError(
                f"{store.path}: it has not the text of {turn.speaker} in {turn.step!r} (draw "
                f"{turn.draw} of {turn.series}): texts are in the store that the run was made with"
            )
        found.append(text)
    return found


def _question(problem: Problem) -> str:
    return shortened(problem.question, QUESTION_CHARACTERS).text
