"""Texts and numbers as a page shows them."""


def on_one_line(text: str, most: int) -> str:
    """Show a text on one line, cut where it is longer than so many characters.

    Args:
        text: any text.
        most: characters, >= 2.
    """
    # Nobody needs the white space of a whole book for its first line.
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1]}…"


def share(part: float, of: float = 1) -> str:
    """Write a share in whole per cent: "67 %"; of nothing it is "0 %"."""
    return f"{round(100 * part / of) if of else 0}\u00a0%"
