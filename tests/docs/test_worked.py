"""How a page's blocks are found, run and compared."""

import os
from pathlib import Path

import pytest

from tests.docs.worked import Runner, Step, has, shows, steps

PAGE = """
```yaml
shown: only
```

```sh
echo one
```

```text
one
```

```python
two = 2
```

```sh
echo three
```

```text
three
```

<!-- alike: t | e -->
"""


def test_steps() -> None:
    """Blocks of sh and python are steps, with the text after them and the parts that count."""
    assert list(steps(PAGE)) == [
        Step("sh", "echo one\n", "one\n"),
        Step("python", "two = 2\n", None),
        Step("sh", "echo three\n", "three\n", ("t", "e")),
    ]


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("a\nb\n", True),
        ("a\n...\n", True),
        ("...\nb\n", True),
        ("a\n...\nb\n", True),
        ("a\n", False),
        ("...\na\n", False),
        ("a\nc\n", False),
    ],
)
def test_lines_left_out_are_the_only_ones_that_may_differ(shown: str, same: bool) -> None:
    """The comparison itself: "..." is any lines, everything else is literal."""
    assert shows(shown, "a  \nb\n") == same


@pytest.mark.parametrize(
    ("parts", "same"),
    [(("a", "c"), True), (("a b",), True), (("b\nc",), True), (("c", "a"), False), (("d",), False)],
)
def test_parts_are_there_in_their_order(parts: tuple[str, ...], same: bool) -> None:
    """Other text may stand between them, and lines."""
    assert has(parts, "a b\nc\n") == same


def test_a_step_that_prints_something_else(tmp_path: Path) -> None:
    """It fails, as does one that ends with an error; one that shows nothing is only run."""
    with Runner(tmp_path, {"8383": "17"}) as runner:
        runner.check(Step("sh", "echo 8383 > f; cat f", "17\n"))
        runner.check(
            Step("python", "from pathlib import Path; print(Path('f').read_text())", "17\n\n")
        )
        runner.check(Step("sh", "echo 1 2", "0 1\n", ("1",)))
        for step in (
            Step("sh", "echo 1", "2\n"),
            Step("sh", "echo 1", "1 2\n", ("2",)),
            Step("sh", "echo 1 2", "1\n", ("2",)),
            Step("sh", "false; true", None),
        ):
            with pytest.raises(AssertionError):
                runner.check(step)


def test_what_a_page_leaves_running_is_ended(tmp_path: Path) -> None:
    """A program that a block started in the background is ended with the page."""
    os.mkfifo(tmp_path / "open")
    with Runner(tmp_path) as runner:
        runner.check(Step("sh", "sh -c 'exec 3> open; sleep 600' & echo $! > pid", None))
        reader = os.open(tmp_path / "open", os.O_RDONLY)
        os.kill(int((tmp_path / "pid").read_text()), 0)
    try:
        assert os.read(reader, 1) == b""  # the end: nobody is left to write
    finally:
        os.close(reader)
