"""Write docs/commands.md: what every command prints with --help.

    python tools/write_commands_page.py

The page is as wide as a terminal of 80 columns, without colours, whatever this terminal is like.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from slm_mux.cli.app import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
WIDTH = 78
"""Of the text in a terminal of 80 columns."""
PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "FORCE_COLOR": None}
INTRODUCTION = """\
# Commands

What each command prints with `--help`. What was asked for goes to stdout, everything else to
stderr; with `--json` stdout has one document, also where the command fails. The exit code is 0
where all is well, 1 where the command failed, 2 where it was used or configured wrongly, and 130
after Ctrl-C.

`tools/write_commands_page.py` writes this page.
"""


def page() -> str:
    """The page as it should be."""
    parts = [
        f"## `{' '.join(words)}`\n\n```text\n{help_of(words)}\n```\n"
        for words in commands(typer.main.get_command(app), ("slm-mux",))
    ]
    return "\n".join([INTRODUCTION, *parts])


def commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every command, as it is typed: a group first, then what is in it."""
    yield words
    for name, each in getattr(command, "commands", {}).items():
        if not each.hidden:
            yield from commands(each, (*words, name))


def help_of(words: tuple[str, ...]) -> str:
    """What a command prints with --help."""
    shown = CliRunner().invoke(
        app,
        [*words[1:], "--help"],
        prog_name=words[0],
        env=PLAIN,
        terminal_width=WIDTH,
        catch_exceptions=False,
    )
    if shown.exit_code != 0:
        raise SystemExit(f"{' '.join(words)} --help ends with {shown.exit_code}: {shown.output}")
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
