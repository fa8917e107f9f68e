"""docs/tutorial.md is true: what it runs prints what it shows, but for a model's words."""

import re
import socket
from pathlib import Path

import pytest

from slm_mux.models.pool import Pool
from tests.docs.worked import Runner, steps

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
PORT = "8383"


@pytest.mark.real_model
@pytest.mark.timeout(300)
def test_the_tutorial(tmp_path: Path, smollm2_gguf: Path) -> None:
    """All blocks run in order, in one folder, on the smallest real model."""
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    assert len(found) > 8
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with Runner(tmp_path, {PORT: port}) as runner:
        for step in found:
            runner.check(step)


def test_the_pool_of_other_models_loads(tmp_path: Path) -> None:
    """The file for models of one's own is a pool file as it stands."""
    page = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "pool.yaml").write_text(block, encoding="utf-8")
    pool = Pool.load(tmp_path / "pool.yaml", environment={"EXAMPLE_API_KEY": "a-key-of-somebody"})
    assert [member.name for member in pool] == ["qwen2.5-7b", "llama3.1-8b", "hosted"]
