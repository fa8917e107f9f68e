"""mkdocs.yml has every page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    """Reads what mkdocs.yml says about Python functions as nothing."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def pages(navigation: Any) -> Iterator[str]:
    """Every page of a navigation, in order."""
    if isinstance(navigation, str):
        yield navigation
    for each in navigation.values() if isinstance(navigation, dict) else navigation:
        if not isinstance(navigation, str):
            yield from pages(each)


def test_every_page_has_its_place() -> None:
    """Each page of docs/ stands in the navigation once, and what stands there is a page."""
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Loader)
    docs = ROOT / "docs"
    there = [path.relative_to(docs).as_posix() for path in docs.rglob("*.md")]
    assert sorted(pages(config["nav"])) == sorted([*there, "README.md", "CHANGELOG.md"])


def test_pages_ask_nobody_else() -> None:
    """The theme's fonts and scripts come from the site itself."""
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Loader)
    assert config["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css"} & set(config)
