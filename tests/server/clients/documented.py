"""What docs/clients.md tells its readers to write, so that it is this that is run."""

import re
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
ADDRESS = "http://127.0.0.1:8383"
"""Where the page's server is."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A piece of code on the page."""

    language: str
    text: str

    def at(self, address: str) -> str:
        """The same for a server at another address."""
        assert ADDRESS in self.text or self.language == "console", self.text
        return self.text.replace(ADDRESS, address)


def sections() -> dict[str, str]:
    """The text of each section, by its heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(client: str) -> list[Block]:
    """The code in a client's section, in order."""
    return [Block(*found) for found in _BLOCK.findall(sections()[client])]


def block(client: str, language: str) -> Block:
    """The one block of this language in a client's section."""
    (found,) = [each for each in blocks(client) if each.language == language]
    return found
