"""How long the command line takes to start, against a bare typer program with two commands.

    python benchmarks/start_up.py [--rounds 15]

Runs `slm-mux --help` and the bare program's in turns and prints the medians and their ratio; then
what `import slm_mux` adds to a bare interpreter.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = '''
import typer
app = typer.Typer(add_completion=False)
@app.command()
def one(name: str, count: int = 1) -> None:
    """One."""
@app.command()
def two(name: str, fast: bool = False) -> None:
    """Two."""
app()
'''


def seconds(*command: str) -> float:
    """Run a command to its end and return how long it took."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        commands = {
            "bare typer --help": (sys.executable, str(bare), "--help"),
            "slm-mux --help": (sys.executable, "-m", "slm_mux", "--help"),
            "python -c pass": (sys.executable, "-c", "pass"),
            "import slm_mux": (sys.executable, "-c", "import slm_mux"),
        }
        took: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                elapsed = seconds(*command)
                if turn:
                    took[name].append(elapsed)
    middle = {name: statistics.median(times) for name, times in took.items()}
    print(f"Python {platform.python_version()}, {rounds} rounds in turns, medians")
    for name, median in middle.items():
        print(f"{name:20} {median * 1000:6.0f} ms")
    ratio = middle["slm-mux --help"] / middle["bare typer --help"]
    print(f"slm-mux --help / bare typer --help  {ratio:.2f}")


if __name__ == "__main__":
    main()
