"""Put a report together, write the page and the figures, print the document."""

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slm_mux.cli.console import messages, print_json, print_line
from slm_mux.cli.options import check_output
from slm_mux.cli.scaling import Wanted as ScaleWanted
from slm_mux.cli.studying import study_of
from slm_mux.errors import InvalidRequestError
from slm_mux.methods import METHODS
from slm_mux.reports import check_figures, render, write_figures
from slm_mux.studies.reporting import ReportRules, report_task
from slm_mux.wording import counted


class Wanted(ScaleWanted, frozen=True, kw_only=True):
    """What the command line asks for; None leaves the choice to the rules of each."""

    output: Path | None
    figures: Path | None
    force: bool
    methods: tuple[str, ...]
    worst: int


def report_and_write(wanted: Wanted, *, as_json: bool) -> None:
    """Put together, write, print.

    Raises:
        SlmMuxError: as the parts raise it.
        OSError: the page or the figures cannot be written.
    """
    rules = ReportRules(
        scale=wanted.scale_rules(), methods=wanted.methods or tuple(METHODS), worst=wanted.worst
    )
    rules.check()
    _check(wanted, as_json=as_json)
    with study_of(wanted) as study:
        document = report_task(
            study.store,
            study.asked,
            rules,
            readers=study.readers,
            scorer=study.scorer,
            progress=study.progress,
            command=shlex.join(["slm-mux", *sys.argv[1:]]),
        )
    written = None if wanted.output is None else _write(wanted.output, document, wanted)
    figures = [] if wanted.figures is None else write_figures(document, wanted.figures)
    for name, reason in document["missing"].items():
        print_line(messages(), f"note: the report has no {name}: {reason}")
    if written is not None:
        print_line(messages(), f"wrote {wanted.output} ({written:,} bytes)")
    if figures:
        print_line(messages(), f"wrote {counted(len(figures), 'figure')} to {wanted.figures}")
    if as_json:
        print_json(document)


def _check(wanted: Wanted, *, as_json: bool) -> None:
    """Refuse what cannot be written, before the work is done."""
    if wanted.output is None and wanted.figures is None and not as_json:
        raise InvalidRequestError(
            "where is the report to go? give -o report.html, --figures DIR or --json"
        )
    if wanted.output is None and wanted.force:
        raise InvalidRequestError("--force goes with -o")
    if wanted.figures is not None:
        check_figures()
        if wanted.figures.exists() and not wanted.figures.is_dir():
            raise InvalidRequestError(f"{wanted.figures} is a file; --figures names a folder")
    if wanted.output is not None:
        check_output(wanted.output, "-o", force=wanted.force)


def _write(path: Path, document: Mapping[str, Any], wanted: Wanted) -> int:
    """Write the page whole or not at all; give its size in bytes."""
    content = render(document).encode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        if wanted.force:
            temporary.replace(path)
        else:
            # Unlike a rename, a link never takes a file's place that came meanwhile.
            _link_or_refuse(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return len(content)


def _link_or_refuse(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise InvalidRequestError(
            f"{path} exists; --force overwrites it, -o names another"
        ) from None
    except OSError:
        # A file system without links.
        temporary.replace(path)
