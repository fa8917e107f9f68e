"""Draw the pictures of the methods' pages, docs/methods/*.svg: columns of boxes, arrows between.

    python tools/draw_methods.py [--check]

The pictures carry their own light background, so that they can be read on dark pages too.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from msgspec import Struct

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "methods"
BOX, ROW, COLUMN, MARGIN, HEAD = (168, 44), 60, 232, 20, 30
FILL = {"ask": "#ffffff", "say": "#e8f0fe", "count": "#fef3d8", "end": "#dff3e4"}
LINE = "#5f6b7a"


class Box(Struct, frozen=True):
    """One box: up to two lines of text, and what kind of thing it is."""

    lines: tuple[str, ...]
    fill: str


class Picture(Struct, frozen=True, kw_only=True):
    """Columns from left to right, each with a heading and boxes from top to bottom."""

    alt: str
    columns: tuple[tuple[str, tuple[Box, ...]], ...]
    only: tuple[tuple[int, int, int], ...] = ()
    """(column, box, box of the next): the arrows of columns that are not joined all to all."""


def ask(*lines: str) -> Box:
    """What is asked."""
    return Box(lines, "ask")


def say(*lines: str) -> Box:
    """What a model says."""
    return Box(lines, "say")


def count(*lines: str) -> Box:
    """What is counted."""
    return Box(lines, "count")


def end(*lines: str) -> Box:
    """The answer."""
    return Box(lines, "end")


QUESTION = ("", (ask("question"),))
THREE_TIMES = (say("model 1", "A A B"), say("model 2", "A B B"), say("model 3", "A B C"))
"""The worked example of the paper's project page."""


def straight(column: int, boxes: int) -> tuple[tuple[int, int, int], ...]:
    """Arrows from each box of a column to the one beside it."""
    return tuple((column, place, place) for place in range(boxes))


PICTURES = {
    "mux": Picture(
        alt="Three models each draw three answers on their own. Models 1 and 2 agree with "
        "themselves in two of three draws, model 3 in none; model 1 has the better record, so its "
        "answer A is given.",
        columns=(
            QUESTION,
            ("each draws k answers", THREE_TIMES),
            (
                "confidence: its largest class",
                (
                    count("A 2/3", "record 0.7"),
                    count("B 2/3", "record 0.6"),
                    count("A 1/3", "no record"),
                ),
            ),
            ("most self-consistent", (end("A", "tie: better record"),)),
        ),
        only=straight(1, 3),
    ),
    "single": Picture(
        alt="The model with the best record is asked once; its answer is given.",
        columns=(QUESTION, ("best record", (say("model 1", "A"),)), ("its answer", (end("A"),))),
    ),
    "self_consistency": Picture(
        alt="The model with the best record draws nine answers: six A, two B, one C. A is given.",
        columns=(
            QUESTION,
            ("best record, many draws", (say("model 1", "A A B A C A A B A"),)),
            ("one vote", (count("A 6, B 2, C 1"),)),
            ("majority", (end("A"),)),
        ),
    ),
    "agent_forest": Picture(
        alt="Three models draw three answers each; all nine are counted in one pool: four A, four "
        "B, one C. A came first and is given.",
        columns=(
            QUESTION,
            ("each draws k answers", THREE_TIMES),
            ("one pool", (count("A 4, B 4, C 1"),)),
            ("majority", (end("A", "tie: the first draw"),)),
        ),
    ),
    "mixture_of_agents": Picture(
        alt="Three models answer; each reads all three replies and answers again; one model reads "
        "those and writes the answer.",
        columns=(
            QUESTION,
            ("layer 1: alone", (say("model 1", "A"), say("model 2", "B"), say("model 3", "A"))),
            (
                "layer 2: having read",
                (say("model 1", "A"), say("model 2", "A"), say("model 3", "B")),
            ),
            ("aggregator", (say("model 1", "reads layer 2"),)),
            ("its answer", (end("A"),)),
        ),
    ),
    "debate": Picture(
        alt="Three models answer; each reads the other two and answers again: model 2, which had "
        "B, adopts A. The majority of the second round, A, is given.",
        columns=(
            QUESTION,
            ("round 1: alone", (say("model 1", "A"), say("model 2", "B"), say("model 3", "A"))),
            (
                "round 2: read the others",
                (say("model 1", "A"), say("model 2", "A"), say("model 3", "A")),
            ),
            ("last round's vote", (count("A 3"),)),
            ("majority", (end("A"),)),
        ),
    ),
    "multi_agent_verification": Picture(
        alt="Three models answer; every answer is examined by every model aspect by aspect, each "
        "approving or rejecting; the answer with most approvals, B, is given.",
        columns=(
            QUESTION,
            ("candidates", (say("model 1", "A"), say("model 2", "B"), say("model 3", "A"))),
            (
                "verifiers: aspect by aspect",
                (
                    say("all models", "yes no yes"),
                    say("all models", "yes yes yes"),
                    say("all models", "no no yes"),
                ),
            ),
            ("approvals", (count("A 2/3"), count("B 3/3"), count("A 1/3"))),
            ("most approvals", (end("B"),)),
        ),
        only=(*straight(1, 3), *straight(2, 3)),
    ),
    "universal_self_consistency": Picture(
        alt="Three models answer; one model reads all three and names the one that agrees most "
        "with the others: the first.",
        columns=(
            QUESTION,
            (
                "candidates",
                (say("model 1", "text 1"), say("model 2", "text 2"), say("model 3", "text 3")),
            ),
            ("judge reads all", (say("model 1", "“1”"),)),
            ("most consistent", (end("text 1"),)),
        ),
    ),
}


def drawn(picture: Picture) -> str:
    """The picture as SVG."""
    tallest = max(len(boxes) for _, boxes in picture.columns)
    width = 2 * MARGIN + (len(picture.columns) - 1) * COLUMN + BOX[0]
    height = 2 * MARGIN + HEAD + (tallest - 1) * ROW + BOX[1]
    lines = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"',
        f' height="{height}" role="img" font-family="system-ui, sans-serif">',
        f"<title>{escape(picture.alt)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#f7f8fa"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"',
        f' markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>',
        *_arrows(picture, tallest),
        *_columns(picture, tallest),
        "</svg>",
    )
    return "\n".join(lines) + "\n"


def _top(boxes: Sequence[Box], place: int, tallest: int) -> float:
    """The upper edge of a box: columns stand in the middle."""
    return MARGIN + HEAD + (tallest - len(boxes)) * ROW / 2 + place * ROW


def _arrows(picture: Picture, tallest: int) -> Iterator[str]:
    for number, (_, boxes) in enumerate(picture.columns[:-1]):
        after = picture.columns[number + 1][1]
        chosen = [(a, b) for column, a, b in picture.only if column == number]
        pairs = chosen or [(a, b) for a in range(len(boxes)) for b in range(len(after))]
        start, stop = MARGIN + number * COLUMN + BOX[0], MARGIN + (number + 1) * COLUMN - 2
        for a, b in pairs:
            y1 = _top(boxes, a, tallest) + BOX[1] / 2
            y2 = _top(after, b, tallest) + BOX[1] / 2
            yield (
                f'<path d="M{start} {y1:g} C{start + 28} {y1:g} {stop - 32} {y2:g} {stop} {y2:g}" '
                f'fill="none" stroke="{LINE}" marker-end="url(#tip)"/>'
            )


def _columns(picture: Picture, tallest: int) -> Iterator[str]:
    for number, (heading, boxes) in enumerate(picture.columns):
        left = MARGIN + number * COLUMN
        middle = left + BOX[0] / 2
        yield (
            f'<text x="{middle:g}" y="{MARGIN + 10}" text-anchor="middle" font-size="13" '
            f'fill="{LINE}">{escape(heading)}</text>'
        )
        for place, box in enumerate(boxes):
            top = _top(boxes, place, tallest)
            yield (
                f'<rect x="{left}" y="{top:g}" width="{BOX[0]}" height="{BOX[1]}" rx="6" '
                f'fill="{FILL[box.fill]}" stroke="{LINE}"/>'
            )
            first = top + BOX[1] / 2 + 5 - 8.5 * (len(box.lines) - 1)
            for line, text in enumerate(box.lines):
                weight = ' font-weight="600"' if line == 0 else ""
                yield (
                    f'<text x="{middle:g}" y="{first + 17 * line:g}" text-anchor="middle" '
                    f'font-size="14"{weight} fill="#1b2733">{escape(text)}</text>'
                )


def main() -> None:
    """Write the pictures, or see whether they are as they would be written."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the methods.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if any differs")
    check = parser.parse_args().check
    stale = []
    for name, picture in PICTURES.items():
        path = FOLDER / f"{name}.svg"
        text = drawn(picture)
        if check and (not path.exists() or path.read_text() != text):
            stale.append(path.name)
        elif not check:
            path.write_text(text)
    if stale:
        sys.exit(f"not as drawn now: {', '.join(stale)}; run python tools/draw_methods.py")


if __name__ == "__main__":
    main()
