"""Hooks of mkdocs.yml: files outside docs/ that pages lead to become part of the site.

On a repository page a link leads from file to file. The site has the files of docs/ at its root,
and every other file at the path that it has in the repository: README.md is the site's first page,
CHANGELOG.md and examples/logs/README.md are pages, too. What is not Markdown is copied as it is.
"""

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
DOCS = "docs/"
ALWAYS = ("README.md", "CHANGELOG.md")
LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)(?P<target>[^\s)#]+)(?P<anchor>#[^\s)]*)?(?=[\s)])")
"""The target of a Markdown link or picture that leads to a file."""


def leads_to(text: str, page: str) -> Iterator[str]:
    """Every file of the repository that a page leads to.

    Args:
        text: the page's Markdown.
        page: its path in the repository.
    """
    for link in LINK.finditer(text):
        if (ROOT / (there := target(link["target"], page))).is_file():
            yield there


def target(link: str, page: str) -> str:
    """Where a relative link of a page leads to, as a path in the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(link)))


def place_of(path: str) -> str:
    """Where the site has a file of the repository."""
    return path.removeprefix(DOCS)


def outside(pages: Mapping[str, str]) -> dict[str, Path]:
    """The files outside docs/ that the site needs, by their place on it.

    Args:
        pages: the Markdown of docs/ by its path in the repository.
    """
    found: dict[str, Path] = {}
    waiting = [*ALWAYS, *(path for page, text in pages.items() for path in leads_to(text, page))]
    while waiting:
        path = waiting.pop()
        if path.startswith((DOCS, "../")) or place_of(path) in found:
            continue
        found[place_of(path)] = ROOT / path
        if path.endswith(".md"):
            waiting += leads_to((ROOT / path).read_text(encoding="utf-8"), path)
    return found


def rewritten(text: str, page: str) -> str:
    """A page's Markdown with the links that it needs on the site."""

    def link(match: re.Match[str]) -> str:
        there = target(match["target"], page)
        if not (ROOT / there).is_file():
            return match[0]
        folder = posixpath.dirname(place_of(page)) or "."
        return posixpath.relpath(place_of(there), folder) + (match["anchor"] or "")

    return LINK.sub(link, text)


def on_files(files: Any, config: Any) -> Any:
    """Add what lies outside docs/ (an event of mkdocs)."""
    # Only who builds the site has mkdocs; who checks types need not.
    file_of = import_module("mkdocs.structure.files").File.generated
    pages = {
        DOCS + file.src_uri: file.content_string
        for file in files.documentation_pages()
        if file.src_uri.endswith(".md")
    }
    for place, path in sorted(outside(pages).items()):
        files.append(file_of(config, place, abs_src_path=os.fspath(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Make a page's links right on the site (an event of mkdocs)."""
    path = Path(page.file.abs_src_path).relative_to(ROOT).as_posix()
    return rewritten(markdown, path)
