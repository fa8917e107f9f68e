"""Links of the documentation lead somewhere, on a repository page and on the site."""

import re
from collections.abc import Iterator

import pytest
from tools.docs_site import DOCS, ROOT, leads_to, outside, place_of, rewritten

FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:)([^\s)#]*)(?:#([^\s)]+))?[\s)]")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
}


def anchors(text: str) -> Iterator[str]:
    """The anchors of a page's headings, as a repository page makes them."""
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        yield re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    """Each relative link names a file that is there and, where it names a heading, one of its."""
    for name, anchor in LINK.findall(FENCED.sub("", PAGES[page])):
        path = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        assert path.exists(), f"{page}: {name}"
        if anchor:
            assert anchor in set(anchors(path.read_text(encoding="utf-8"))), (
                f"{page}: {name}#{anchor}"
            )


def test_what_the_site_needs_from_outside() -> None:
    """The README is its first page, and what pages lead to outside docs/ is there."""
    pages = {path: text for path, text in PAGES.items() if path.startswith(DOCS)}
    found = outside(pages)
    assert {"README.md", "CHANGELOG.md", "examples/logs/README.md"} <= set(found)
    assert all(path.is_file() and not path.is_relative_to(ROOT / DOCS) for path in found.values())
    assert {place for place, path in found.items() if ROOT / place != path} == set()


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("README.md", "[a](docs/answers.md#math)", "[a](answers.md#math)"),
        ("README.md", "![a](docs/page.png)", "![a](page.png)"),
        ("README.md", "[a](CHANGELOG.md)", "[a](CHANGELOG.md)"),
        ("docs/api.md", "[a](answers.md)", "[a](answers.md)"),
        ("docs/api.md", "[a](../examples/logs/README.md)", "[a](examples/logs/README.md)"),
        ("docs/reference/index.md", "[a](../api.md)", "[a](../api.md)"),
        ("docs/reference/index.md", "[a](../../README.md)", "[a](../README.md)"),
        ("examples/logs/README.md", "[a](../../docs/api.md)", "[a](../../api.md)"),
        ("docs/api.md", "[a](https://x.org/api.md)", "[a](https://x.org/api.md)"),
        ("docs/api.md", "[a](#answers)", "[a](#answers)"),
        ("docs/api.md", "f[0](there.md)", "f[0](there.md)"),
    ],
)
def test_links_on_the_site(page: str, link: str, there: str) -> None:
    """The site has docs/ at its root, and links are rewritten for that; no other text is."""
    assert rewritten(f"See {link}.", page) == f"See {there}."


def test_where_the_site_has_files() -> None:
    """What is in docs/ is at its root, all else where the repository has it."""
    assert place_of("docs/reference/index.md") == "reference/index.md"
    assert place_of("examples/server.yaml") == "examples/server.yaml"
    assert list(leads_to("[a](../README.md) [b](nothing.md)", "docs/api.md")) == ["README.md"]
