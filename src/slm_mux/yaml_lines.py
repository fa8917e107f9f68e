"""YAML as plain values with the line of each key, so that every complaint has its place.

What users write is read with it: each kind of file has its own limits, words and class of errors.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from msgspec import Struct

from slm_mux.wording import did_you_mean

E = TypeVar("E", bound=Exception)
_SURROGATE = re.compile("[\ud800-\udfff]")
KeyPath = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""


class FileLines(Generic[E]):
    """On which line of a file each key and each list entry stands, for error messages.

    Args:
        file: named in the messages; None for what comes from no file.
        error: the class of the errors.
    """

    def __init__(self, file: Path | None, error: type[E]) -> None:
        self.file = file
        self.known: dict[KeyPath, int] = {}
        """Line numbers from 1."""
        self._class = error

    def error_on(self, line: int, message: str) -> E:
        """Point at a line, in one line of text."""
        where = f"{self.file}:{line}: " if self.file else ""
        return self._class(where + re.sub(r"\s*[\r\n]\s*", " ", message))

    def error(self, at: KeyPath, message: str) -> E:
        """Point at the line of the nearest key that is known."""
        while at and at not in self.known:
            at = at[:-1]
        return self.error_on(self.known.get(at, 1), message)

    def explained(self, complaint: str, structs: Mapping[KeyPath, type[Struct]]) -> E:
        """Trace a Struct's complaint back to its line.

        Args:
            complaint: msgspec's message.
            structs: which Struct stands at which keys, positions in lists left out.
        """
        message, at = located(complaint)
        if unknown := re.search(r"unknown field `(.*?)`", message):
            struct = structs[tuple(key for key in at if isinstance(key, str))]
            hint = nearest(unknown[1], struct.__struct_fields__)
            return self.error((*at, unknown[1]), f"unknown key `{unknown[1]}`{hint}")
        if required := re.search(r"missing required field `(.*?)`", message):
            return self.error(at, f"`{required[1]}` is missing here")
        wording = re.sub(r"`object( \| null)?`", "a mapping", message).replace("`array`", "a list")
        key = f"`{at[-1]}`: " if at and isinstance(at[-1], str) else ""
        return self.error(at, f"{key}{wording[0].lower()}{wording[1:]}")


class YamlReader(ABC, Generic[E]):
    """Makes plain values of a file's text, and remembers their lines.

    A subclass for each kind of file says what may be in it, and what else is said of the rest.
    """

    deepest: int
    """Lists and mappings may nest so deep."""
    not_a_mapping: str
    """Said of a file that is none."""
    may_be_empty = False
    """Whether a file without anything in it is read as a mapping without keys."""
    alias = "an alias (*) is not read here"
    too_deep = "lists or mappings nest too deep"
    half_a_pair = "half of a surrogate pair is no character"
    control_character = "a control character"
    """`{}` in it would be the character's number."""
    odd_tag = "the tag {tag!r} has no meaning here"
    bad_value = "{value!r} is not valid YAML here"
    points_at_key = False
    """Whether a wrong tag or value has the line of its key, not its own."""

    def __init__(self, lines: FileLines[E]) -> None:
        self.lines = lines

    def read(self, text: str) -> dict[str, Any]:
        """Read the mapping that a file is.

        Raises:
            E: it is none, or holds what is not allowed; with its line.
        """
        try:
            self._check_events(text)
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise self.lines.error_on(line, f"not valid YAML: {error.problem}") from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            what = self.control_character.format(ord(text[error.position]))
            raise self.lines.error_on(line, f"not valid YAML: {what}") from None
        if node is None and self.may_be_empty:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self.lines.error_on(1, self.not_a_mapping)
        content: dict[str, Any] = self._value(node, ())
        return content

    @abstractmethod
    def allows_tag(self, node: yaml.Node) -> bool:
        """Whether the node may have its tag."""

    def refusal(self, event: yaml.Event, depth: int) -> str | None:
        """Say what is wrong with an event inside so many lists and mappings, its own included."""
        if isinstance(event, yaml.AliasEvent):
            return self.alias
        if isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):
            return self.half_a_pair
        return self.too_deep if depth > self.deepest else None

    def scalar(self, node: yaml.Node, at: KeyPath) -> Any:
        """Give a scalar's value."""
        problem: object
        try:
            found = yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            problem = getattr(error, "problem", None) or error
        except (LookupError, AttributeError):
            # PyYAML's way to say that a text is not what its tag says, as in `!!int ""`.
            problem = f"{node.value!r} is no {node.tag.rpartition(':')[2]}"
        else:
            return found
        message = self.bad_value.format(value=node.value, problem=problem)
        raise self._error(node, at, message)

    def _check_events(self, text: str) -> None:
        # Before trees are built: in few lines an alias can recurse, or grow without end.
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if problem := self.refusal(event, depth):
                raise self.lines.error_on(_line(event), problem)
            if isinstance(event, yaml.DocumentEndEvent):
                return  # a second document is a mistake itself, whatever is in it

    def _error(self, node: yaml.Node, at: KeyPath, message: str) -> E:
        return self.lines.error_on(
            self.lines.known[at] if self.points_at_key else _line(node), message
        )

    def _value(self, node: yaml.Node, at: KeyPath) -> Any:
        self.lines.known.setdefault(at, _line(node))
        if not self.allows_tag(node):
            if node.tag in standard_tags("null"):
                raise self.lines.error(at, f"`{at[-1] if at else ''}` has no value")
            raise self._error(node, at, self.odd_tag.format(tag=node.tag))
        if isinstance(node, yaml.SequenceNode):
            return [self._value(child, (*at, index)) for index, child in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return self.scalar(node, at)
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.lines.error_on(line, "a key must be a plain word")
            key = str(key_node.value)
            if key in content:
                raise self.lines.error_on(line, f"`{key}` is given twice")
            self.lines.known[*at, key] = line
            content[key] = self._value(value_node, (*at, key))
        return content


def standard_tags(*kinds: str) -> tuple[str, ...]:
    """Give the tags that YAML's own kinds of values have: "str", "int", "map"."""
    return tuple(f"tag:yaml.org,2002:{kind}" for kind in kinds)


def located(complaint: str) -> tuple[str, KeyPath]:
    """Part a message of msgspec's from the place that it names."""
    message, _, where = complaint.partition(" - at `$")
    found = re.findall(r"\.(\w+)|\[(\d+)\]", where.rstrip("`"))
    return message, tuple(int(index) if index else name for name, index in found)


def nearest(name: str, valid: Sequence[str]) -> str:
    """Give "; did you mean `seed`?" where a valid name is near, else all that are valid."""
    return did_you_mean(name, valid) or f"; valid are {', '.join(valid)}"


def _line(part: yaml.Node | yaml.Event) -> int:
    return part.start_mark.line + 1 if part.start_mark else 1
