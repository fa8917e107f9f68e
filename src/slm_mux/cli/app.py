"""The command line's root: the commands, and what an error looks like.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 ended by Ctrl-C. An error is one
message on stderr; where the command line has --json, also one document on stdout.
"""

import os
import sys
import warnings
from typing import Any, NoReturn

import typer

from slm_mux.cli import (
    ask,
    collect,
    demo,
    eval,  # noqa: A004 (the command's name)
    explain,
    init,
    models,
    paper,
    report,
    samples,
    scale,
    search,
    serve,
    store,
)
from slm_mux.cli.console import (
    FAILED,
    INTERRUPTED,
    WRONG_USAGE,
    json_is_wanted,
    make_streams_usable,
    print_error_json,
    show_warning,
)
from slm_mux.errors import InvalidRequestError, NoAnswerError, PoolError, SlmMuxError

# Typer carries a click of its own, or uses the installed one; this class is of the right one.
_UsageError: Any = typer.BadParameter.__bases__[0]

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
app.command()(serve.serve)
app.command()(init.init)
app.add_typer(models.app, name="models")
app.command()(demo.demo)
app.command()(collect.collect)
app.command("eval")(eval.evaluate)
app.command()(eval.runs)
app.command()(explain.explain)
app.command()(search.search)
app.command()(scale.scale)
app.command()(report.report)
app.command()(paper.paper)
app.command("import")(samples.import_files)
app.command()(samples.export)
app.add_typer(store.app, name="store")


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


def main() -> NoReturn:
    """Run the command line and exit."""
    make_streams_usable()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show_warning
            sys.exit(_run())
    except BrokenPipeError:
        # Whoever read our output has left; there is no one to tell.
        sys.stderr.close()
        sys.exit(FAILED)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - as below
        os._exit(FAILED)  # at a normal exit Python would try to write the rest again


def _run() -> int:
    """Run the command line and show the error that ended it, if one did."""
    try:
        code = app(standalone_mode=False)
    except _UsageError as error:
        error.show()
        return _document_of("UsageError", error.format_message(), code=error.exit_code)
    except (InvalidRequestError, PoolError) as error:
        return _failed(error, WRONG_USAGE)
    except SlmMuxError as error:
        return _failed(error, FAILED)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)  # noqa: T201 - rich may be what was interrupted
        return _document_of("Interrupted", "interrupted", code=INTERRUPTED)
    return code if isinstance(code, int) else 0


def _failed(error: SlmMuxError, code: int) -> int:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201 - an error must not need rich
    reasons = error.reasons if isinstance(error, NoAnswerError) else None
    return _document_of(type(error).__name__, str(error), code=code, reasons=reasons)


def _document_of(
    kind: str, message: str, *, code: int, reasons: dict[str, str] | None = None
) -> int:
    """Print the error's document where one is wanted; return the exit code."""
    if json_is_wanted(sys.argv[1:]):
        print_error_json(kind, message, reasons=reasons)
    return code
