"""The pool file's `style` and `price`."""

from pathlib import Path

import pytest

from slm_mux.errors import PoolError
from slm_mux.models.pool import Pool
from slm_mux.models.pool_file import Price

BASE = """\
models:
  - name: a
    url: http://127.0.0.1:1/v1
    model: m
"""


def load(folder: Path, text: str) -> Pool:
    path = folder / "pool.yaml"
    path.write_text(text)
    return Pool.load(path)


def test_a_price_is_per_million_tokens(tmp_path: Path) -> None:
    """Prompt and completion tokens have prices of their own; whole numbers are numbers."""
    (member,) = load(tmp_path, BASE + "    price: {prompt: 2, completion: 0.5}\n")
    assert member.price == Price(prompt=2.0, completion=0.5)
    assert member.price.of(1_000_000, 4_000_000) == pytest.approx(4.0)
    assert member.price.of(0, 0) == 0.0


def test_without_a_price_there_is_none(tmp_path: Path) -> None:
    """Free of charge and unknown are different things."""
    (member,) = load(tmp_path, BASE)
    assert member.price is None
    (free,) = load(tmp_path, BASE + "    price: {prompt: 0, completion: 0}\n")
    assert free.price == Price(prompt=0.0, completion=0.0)


def test_a_member_may_take_part_twice_in_two_styles(tmp_path: Path) -> None:
    """One model in words and as a writer of programs."""
    text = BASE + BASE.partition("models:\n")[2].replace("name: a", "name: b")
    words, program = load(tmp_path, text + "    style: program\n")
    assert (words.style, program.style) == ("words", "program")
    assert words.model.endpoint == program.model.endpoint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("style: programm", "`style` cannot be `programm`; did you mean `program`?; one of words"),
        ("style: 3", "`style`: expected `str`, got `int`"),
        ("price: {prompt: 1}", "`completion` is missing here"),
        ("price: {prompt: 1, completions: 2}", "unknown key `completions`; did you mean `completi"),
        ("price: {prompt: -1, completion: 2}", "`prompt` is -1.0, but must be 0 or more"),
        ("price: {prompt: 1, completion: .inf}", "`completion` is inf, but must be 0 or more"),
        ("price: 5", "`price`: expected a mapping, got `int`"),
        ("price: {prompt: cheap, completion: 2}", "`prompt`: expected `float`, got `str`"),
    ],
)
def test_each_mistake_has_its_line(tmp_path: Path, line: str, message: str) -> None:
    """File, line, what is wrong, and the nearest valid name."""
    with pytest.raises(PoolError) as caught:
        load(tmp_path, f"{BASE}    {line}\n")
    assert str(caught.value).startswith(f"{tmp_path / 'pool.yaml'}:5: ")
    assert message in str(caught.value)
