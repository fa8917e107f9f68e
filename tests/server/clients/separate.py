"""Clients in environments of their own, which `tools/install_clients.py` makes."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.server.clients.documented import ADDRESS, block
from tests.server.clients.serving import ENOUGH, clean_environment

ROOT = Path(__file__).parents[3]
CLIENTS = ROOT / ".clients"
PROGRAMS = Path(__file__).parent / "programs"


class Client:
    """One of them, which is run in a folder.

    Args:
        name: of its environment.
        folder: where it runs; nothing else of this machine's belongs to it.

    Raises:
        pytest.skip.Exception: it is not installed; says why.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.home = CLIENTS / name
        self.folder = folder
        why_not = CLIENTS / f"{name}.why-not"
        if why_not.exists():
            pytest.skip(why_not.read_text().strip())
        if not (self.home / "installed.sha256").exists():
            pytest.skip(f"{name} is not installed: make clients installs it")

    def run(self, *words: str, stdin: str = "", **variables: str) -> str:
        """Run a command of the environment's to its end, and return what it printed.

        It gets no key and no other setting of this process's.
        """
        environment = clean_environment(self.folder / "home", **variables)
        environment["PATH"] = f"{self.home / 'bin'}:{environment['PATH']}"
        done = subprocess.run(
            words,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=3 * ENOUGH,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, program: str, *arguments: str, **variables: str) -> str:
        """Run a Python program."""
        return self.run("python", "-", *arguments, stdin=program, **variables)

    def console(
        self, section: str, address: str, *, replacing: tuple[str, str] = ("", ""), **variables: str
    ) -> str:
        """Run the commands of a section of docs/clients.md; `export` holds for those after it.

        Args:
            section: its heading.
            address: the server's.
            replacing: a word of the commands, and what stands in its place.
            variables: further ones of the environment.
        """
        printed = []
        for line in block(section, "console").text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ ").replace(ADDRESS, address))
            if words[0] == "export":
                variables |= dict(word.split("=", 1) for word in words[1:])
            else:
                old, new = replacing
                printed.append(
                    self.run(*[new if word == old else word for word in words], **variables)
                )
        return "".join(printed)


def program(name: str) -> str:
    """Read one of the programs that are run in a client's environment."""
    return (PROGRAMS / name).read_text()
