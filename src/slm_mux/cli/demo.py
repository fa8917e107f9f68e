"""`slm-mux demo`: three questions of different kinds to real models that run in this process."""

from enum import StrEnum
from typing import Annotated

import typer

from slm_mux.cli.options import Json


class Size(StrEnum):
    """Which of the built-in models take part."""

    small = "small"
    full = "full"


def demo(
    models: Annotated[
        Size, typer.Option(help="small: 590 MB of weights; full: 1.7 GB, better answers.")
    ] = Size.small,
    samples: Annotated[int, typer.Option("--samples", "-k", help="Draws per model.")] = 3,
    json: Json = False,
) -> None:
    """Answer three built-in questions with small models that run in this process."""
    from slm_mux.cli.demonstration import demonstrate

    demonstrate(full=models is Size.full, samples=samples, as_json=json)
