"""`slm-mux ask`: one question, the pool's answer, and the votes it rests on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from slm_mux.cli.options import Json, Labels, MaxTokens, Samples, Temperature, pool_at
from slm_mux.errors import InvalidRequestError

if TYPE_CHECKING:
    from slm_mux.questions import KindRequest


def ask(
    question: Annotated[str, typer.Argument(help="The question; - reads it from stdin.")],
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Pool file. Without it: ./pool.yaml, then the one in your configuration folder, "
            "then the built-in models.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="mux, single, self_consistency, agent_forest; or, where the models read each "
            "other, debate, mixture_of_agents (moa), multi_agent_verification (mav), "
            "universal_self_consistency (usc)."
        ),
    ] = "mux",
    kind: Annotated[
        str, typer.Option(help="auto, number, choice, math, label, json or text.")
    ] = "auto",
    choice: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=TEXT", help="One choice of a multiple choice; repeat it."),
    ] = None,
    label: Labels = None,
    samples: Samples = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    stopping: Annotated[
        str | None,
        typer.Option(
            help="eager (least time), frugal (fewest draws) or none (all draws). All three give "
            "the same answer."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same draws.")] = None,
    json: Json = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also print the winning completion.")
    ] = False,
) -> None:
    """Ask the pool one question."""
    from slm_mux.cli.asking import Question, ask_and_show

    asked = Question(
        text=_from_stdin() if question == "-" else question,
        method=method,
        kind=cast("KindRequest", kind),
        choices=_choices(choice or []),
        labels=tuple(label or ()),
        samples=samples,
        temperature=temperature,
        max_tokens=max_tokens,
        stopping=stopping,
        seed=seed,
    )
    ask_and_show(pool_at(pool), asked, as_json=json, with_text=verbose)


def _from_stdin() -> str:
    content = sys.stdin.buffer.read()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"stdin is not text: byte {error.start} is not UTF-8") from None


def _choices(given: list[str]) -> dict[str, str]:
    choices: dict[str, str] = {}
    for item in given:
        label, equals, text = item.partition("=")
        label = label.strip()
        if not equals or not label:
            raise InvalidRequestError(f"--choice {item!r}: write it as LABEL=TEXT, like A=Paris")
        if label in choices:
            raise InvalidRequestError(f"--choice {item!r}: the label {label} is given twice")
        choices[label] = text.strip()
    return choices
