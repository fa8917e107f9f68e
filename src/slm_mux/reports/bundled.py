"""What is shipped beside the code: scripts that draw charts, the page's own script and style."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

_ASSETS = "assets"


@cache
def read(name: str) -> str:
    """Read a file of the package's assets."""
    return files("slm_mux.reports").joinpath(_ASSETS, name).read_text(encoding="utf-8")


def versions() -> dict[str, dict[str, Any]]:
    """Tell of each shipped library its version, file and sha256, in the order of their need."""
    found: dict[str, dict[str, Any]] = json.loads(read("versions.json"))
    return found


def scripts() -> list[str]:
    """Give the scripts of a page, in order."""
    return [*(read(one["file"]) for one in versions().values()), read("report.js")]


def style() -> str:
    """Give the page's style sheet."""
    return read("report.css")


def policy(scripts: list[str], style: str) -> str:
    """Write the content security policy that allows these scripts and this style, and no more.

    No request, no code made at run time, no form, no other script.
    """
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
