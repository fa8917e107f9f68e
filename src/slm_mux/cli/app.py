"""The command line's root: the commands, and what an error looks like.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 ended by Ctrl-C.
"""

import os
import sys

import typer

from slm_mux.cli import ask, demo, init, models
from slm_mux.cli.console import FAILED, INTERRUPTED, WRONG_USAGE, make_streams_usable
from slm_mux.errors import InvalidRequestError, PoolError, SlmMuxError

app = typer.Typer(
    name="slm-mux",
    help="Ask several small language models the same question several times each, and believe "
    "the one that agrees with itself most.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(ask.ask)
app.command()(init.init)
app.add_typer(models.app, name="models")
app.command()(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"slm-mux {version('slm-mux')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Exist so that --version stands beside the commands."""
    del version


def main() -> None:
    """Run the command line and exit."""
    make_streams_usable()
    try:
        app()
    except (InvalidRequestError, PoolError) as error:
        _fail(error, WRONG_USAGE)
    except SlmMuxError as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201 - rich may be what was interrupted
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has left; there is no one to tell.
        sys.stderr.close()
        sys.exit(FAILED)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - as below
        os._exit(FAILED)  # at a normal exit Python would try to write the rest again


def _fail(error: SlmMuxError, code: int) -> None:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201 - an error must not need rich
    sys.exit(code)
