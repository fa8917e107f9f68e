"""YAML with the line of each key: limits, places of mistakes, words that a subclass changes."""

from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from slm_mux.yaml_lines import FileLines, KeyPath, YamlReader, located, nearest, standard_tags


class WrongFileError(Exception):
    pass


class Reader(YamlReader[WrongFileError]):
    deepest = 2
    not_a_mapping = "no mapping"

    def allows_tag(self, node: yaml.Node) -> bool:
        return node.tag in standard_tags("map", "seq", "str", "int")


class OtherReader(Reader):
    may_be_empty = True
    alias = "no aliases"
    too_deep = "too deep"
    control_character = "character {}"
    odd_tag = "no {tag}"
    bad_value = "{value} is {problem}"
    points_at_key = True


def new_lines() -> FileLines[WrongFileError]:
    return FileLines(Path("f.yaml"), WrongFileError)


def complaint(reader: type[Reader], text: str) -> str:
    with pytest.raises(WrongFileError) as caught:
        reader(new_lines()).read(text)
    assert caught.value.__cause__ is None
    return str(caught.value)


@given(
    st.dictionaries(
        st.text("abc", min_size=1),
        st.integers() | st.lists(st.integers()) | st.dictionaries(st.text("abc"), st.integers()),
    )
)
def test_what_is_read(content: dict[str, object]) -> None:
    """Plain values come back as they were written, and every one of them has its line."""
    lines = new_lines()
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=False)
    assert Reader(lines).read(text) == content
    inner = [(key, part) for key, value in content.items() for part in parts(value)]
    assert set(lines.known) == {(), *((key,) for key in content), *inner}
    for key in content:
        assert text.splitlines()[lines.known[key,] - 1].startswith((f"{key}:", f"? {key}"))


def parts(value: object) -> list[str | int]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


@pytest.mark.parametrize(
    ("text", "says", "says_otherwise"),
    [
        ("", "1: no mapping", None),
        ("- a", "1: no mapping", "1: no mapping"),
        ("a: &x 1\nb: *x", "2: an alias (*) is not read here", "2: no aliases"),
        ("a:\n  [[]]", "2: lists or mappings nest too deep", "2: too deep"),
        ("a: 1\nb: '\x07'", "2: not valid YAML: a control character", "2: not valid YAML: char"),
        ("a: [", "1: not valid YAML: expected the node", "1: not valid YAML: expected the node"),
        (
            "a: 1\n---\nb: *x",
            "2: not valid YAML: but found another",
            "2: not valid YAML: but found",
        ),
        ("a: 1\na: 2", "2: `a` is given twice", "2: `a` is given twice"),
        ("\n[a]: 1", "2: a key must be a plain word", "2: a key must be a plain word"),
        ("a:\n  !x 1", "2: the tag '!x' has no meaning here", "1: no !x"),
        ("a:\n  !!int x", "2: 'x' is not valid YAML here", "1: x is invalid literal for int"),
        ("a: !!int ''", "1: '' is not valid YAML here", "1:  is '' is no int"),
        ('a: "\\ud800"', "1: half of a surrogate pair", "1: half of a surrogate pair"),
        ("a:\nb: 1", "1: `a` has no value", "1: `a` has no value"),
    ],
)
def test_mistakes(text: str, says: str, says_otherwise: str | None) -> None:
    """Each is told with its line, in the reader's own words where it has some."""
    assert complaint(Reader, text).startswith(f"f.yaml:{says}")
    if says_otherwise is None:
        assert OtherReader(new_lines()).read(text) == {}
    else:
        assert complaint(OtherReader, text).startswith(f"f.yaml:{says_otherwise}")


@pytest.mark.parametrize(("at", "line"), [(("a",), 2), (("a", 0, "b"), 2), (("c",), 1), ((), 1)])
def test_the_nearest_line(at: KeyPath, line: int) -> None:
    """What is not in the file has the line of what would hold it; a message is one line."""
    lines = new_lines()
    lines.known["a",] = 2
    assert str(lines.error(at, "x\n  y")) == f"f.yaml:{line}: x y"


def test_no_file_is_named_where_there_is_none() -> None:
    """A complaint about what comes from no file is the message alone."""
    assert str(FileLines(None, WrongFileError).error(("a",), "x")) == "x"


class Inner(Struct, forbid_unknown_fields=True):
    size: int
    names: list[str] = []


class Outer(Struct, forbid_unknown_fields=True):
    inner: list[Inner]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("iner: []", "1: unknown key `iner`; did you mean `inner`?"),
        ("inner:\n- size: 1\n  zzz: 1", "3: unknown key `zzz`; valid are size, names"),
        ("inner:\n- size: 1\n- names: []", "3: `size` is missing here"),
        ("inner:\n- size: x", "2: `size`: expected `int`, got `str`"),
        ("inner: {}", "1: `inner`: expected a list, got a mapping"),
        ("inner:\n- 1", "2: expected a mapping, got `int`"),
    ],
)
def test_a_structs_complaint(text: str, says: str) -> None:
    """It is traced back to its line, in the words of YAML."""

    class Deep(Reader):
        deepest = 4

    lines = new_lines()
    content = Deep(lines).read(text)
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(content, Outer)
    shown = str(lines.explained(str(caught.value), {(): Outer, ("inner",): Inner}))
    assert shown == f"f.yaml:{says}"


def test_the_place_in_a_complaint() -> None:
    """Keys and list positions are parted from the message; there may be none."""
    assert located("Wrong - at `$.a[2].b`") == ("Wrong", ("a", 2, "b"))
    assert located("Wrong") == ("Wrong", ())


def test_the_nearest_name() -> None:
    """A near name is proposed, else all that are valid are listed."""
    assert nearest("sead", ("seed", "n")) == "; did you mean `seed`?"
    assert nearest("zz", ("seed", "n")) == "; valid are seed, n"
