"""Install the clients that `make clients` tries, each in an environment of its own.

    python tools/install_clients.py                # all of them
    python tools/install_clients.py litellm llm    # these

What each one needs is in tests/server/clients/environments: a file for pip, or a folder with a
package.json for npm. Environments are made under .clients and made anew when that changes. Of one
that cannot be installed the reason is kept in .clients/NAME.why-not, with which its tests are then
skipped; this command succeeds all the same. No package's own scripts run while it is installed, but
for those that a file names because they come as source only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED = ROOT / "tests" / "server" / "clients" / "environments"
CLIENTS = ROOT / ".clients"
MARK = "installed.sha256"
AT_ONCE = 2
SECONDS = 900.0


def main() -> None:
    """Install those that are named, or all."""
    known = {path.stem: path for path in sorted(WANTED.iterdir())}
    names = sys.argv[1:] or list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no such client: {', '.join(unknown)}; there are {', '.join(known)}")
    CLIENTS.mkdir(exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as several:
        for line in several.map(lambda name: installed(name, known[name]), names):
            print(line, flush=True)


def installed(name: str, wanted: Path) -> str:
    """Install one unless it is there, and say how that went."""
    folder, why_not = CLIENTS / name, CLIENTS / f"{name}.why-not"
    why_not.unlink(missing_ok=True)
    mark = mark_of(wanted)
    if (folder / MARK).exists() and (folder / MARK).read_text() == mark:
        return f"{name}: installed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        if wanted.is_dir():
            install_by_npm(folder, wanted)
        else:
            install_by_pip(folder, wanted)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        why_not.write_text(f"{name} could not be installed: {said(error)}\n")
        return why_not.read_text().strip()
    (folder / MARK).write_text(mark)
    return f"{name}: newly installed"


def mark_of(wanted: Path) -> str:
    """What changes when an environment must be made anew: its packages, and its Python."""
    file = wanted / "package.json" if wanted.is_dir() else wanted
    return hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()


def install_by_pip(folder: Path, wanted: Path) -> None:
    """Make a virtual environment with these packages."""
    command([sys.executable, "-m", "venv", str(folder)], folder)
    python = folder / "bin" / "python"
    options = ["--quiet", "--disable-pip-version-check"]
    command([str(python), "-m", "pip", "install", *options, "-r", str(wanted)], folder)


def install_by_npm(folder: Path, wanted: Path) -> None:
    """Make a folder with these modules."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise FileNotFoundError("node and npm are not on the PATH (on Debian: apt install npm)")
    shutil.copy(wanted / "package.json", folder)
    command([npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"], folder)


def command(words: list[str], folder: Path) -> None:
    """Run it in the folder; its output is kept for the error alone."""
    subprocess.run(
        words,
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PIP_NO_INPUT": "1"},
    )


def said(error: Exception) -> str:
    """The end of what went wrong, in one line."""
    output: object = None
    if isinstance(error, subprocess.CalledProcessError | subprocess.TimeoutExpired):
        output = error.output
    lines = [line.strip() for line in str(output or error).splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line.lower()]
    return "; ".join((wrong or lines)[-2:])


if __name__ == "__main__":
    main()
