"""The pool files in examples/paper load, and are of the paper's models and settings."""

import re
from pathlib import Path

import pytest

from slm_mux.models.pool import Pool
from slm_mux.paper import figures
from slm_mux.paper.describing import quantisation

FOLDER = Path(__file__).parents[2] / "examples" / "paper"
FILES = sorted(FOLDER.glob("*.yaml"))
STAGE1 = {"mixtral-8x7b", "llama-3.1-8b", "gemma-2-27b"}
STAGE2 = {"gemma-2-27b", "llama-3.1-8b", "mistral-small-24b", "mixtral-8x7b", "qwen2.5-7b"}


def load(path: Path) -> Pool:
    """Load a file with a value for every variable that it has."""
    text = path.read_text()
    values = {"VLLM_HOST": "127.0.0.1", "OPENROUTER_API_KEY": "a-key-of-somebody"}
    variables = re.findall(r"\$\{(\w+)\}", text)
    return Pool.load(path, environment={name: values[name] for name in variables})


def test_all_are_there() -> None:
    """Both stages hosted and self-hosted, and the models that run anywhere."""
    assert [path.stem for path in FILES] == [
        "embedded",
        "stage1-hosted",
        "stage1-vllm",
        "stage2-hosted",
        "stage2-vllm",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_loads(path: Path) -> None:
    """With its variables set, each is a pool of the paper's models, temperature and draws."""
    pool = load(path)
    names = {member.name for member in pool}
    temperatures = {member.generation.temperature for member in pool}
    stated = ("samples",) in pool.lines.known
    if path.stem == "embedded":
        assert (len(pool), stated, temperatures) == (3, True, {0.5})
        assert "not known" not in {quantisation(member) for member in pool}
    elif path.stem.startswith("stage1"):
        assert (names, pool.samples, temperatures) == (STAGE1, 3, {0.3})
    else:
        assert (names, stated, temperatures) == (STAGE2, False, {0.5})
    if path.stem != "embedded":
        assert all(getattr(member.model, "context", None) for member in pool)


@pytest.mark.parametrize("stem", ["stage2-hosted", "stage2-vllm"])
def test_the_large_model_can_be_taken_in(stem: str, tmp_path: Path) -> None:
    """The lines in comments make a member of the name that they tell."""
    text = (FOLDER / f"{stem}.yaml").read_text()
    head, mark, tail = text.partition("  # - name: qwen2.5-72b\n")
    lines = [line.replace("  # ", "  ", 1) for line in (mark + tail).splitlines()]
    path = tmp_path / "pool.yaml"
    path.write_text(head + "\n".join(lines) + "\n")
    assert list(load(path))[-1].name == "qwen2.5-72b"


def test_the_papers_pairs_are_of_these_names() -> None:
    """So that a pair that is found is put in the paper's place."""
    assert {name for pairs in figures.PAIRS.values() for pair in pairs for name in pair} == STAGE2
