"""YAML as plain values with the line of each key, so that every complaint has its place."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from slm_mux.errors import TaskDataError
from slm_mux.tasks.base import did_you_mean
from slm_mux.tasks.rows import read_file

_DEPTH = 20
_TAGS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool"))
_NULL = "tag:yaml.org,2002:null"
_Path = tuple[str | int, ...]


class YamlFile(Struct, frozen=True):
    """What a YAML file says, and on which line."""

    path: Path
    content: dict[str, Any]
    lines: dict[_Path, int]
    """Line numbers from 1, by the keys and list positions that lead to a value."""

    def error(self, at: _Path, message: str) -> TaskDataError:
        """Point at the line of the nearest key that is known."""
        while at and at not in self.lines:
            at = at[:-1]
        message = re.sub(r"\s*[\r\n]\s*", " ", message)
        return TaskDataError(f"{self.path}:{self.lines.get(at, 1)}: {message}")

    def explained(self, complaint: str, structs: Mapping[_Path, type[Struct]]) -> TaskDataError:
        """Trace a Struct's complaint back to its line.

        Args:
            complaint: msgspec's message.
            structs: which Struct stands at which keys, for the nearest valid name.
        """
        message, _, where = complaint.partition(" - at `$")
        at: _Path = tuple(
            int(index) if index else name
            for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", where.rstrip("`"))
        )
        if unknown := re.search(r"unknown field `(.*?)`", message):
            name, valid = unknown[1], structs[at].__struct_fields__
            hint = did_you_mean(name, valid) or f"; valid are {', '.join(valid)}"
            return self.error((*at, name), f"unknown key `{name}`{hint}")
        if required := re.search(r"missing required field `(.*?)`", message):
            return self.error(at, f"`{required[1]}` is missing here")
        wording = message.replace("`object`", "a mapping").replace("`array`", "a list")
        key = f"`{at[-1]}`: " if at and isinstance(at[-1], str) else ""
        return self.error(at, f"{key}{wording[0].lower()}{wording[1:]}")


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML file that holds a mapping; aliases and tags are refused.

    Raises:
        TaskDataError: it is no such file; with its line.
    """
    file = read_file(path)
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.content.count(b"\n", 0, error.start) + 1
        raise TaskDataError(f"{path}:{line}: not UTF-8 (byte {error.start} of the file)") from None
    try:
        _check_events(path, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise TaskDataError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise TaskDataError(f"{path}:{line}: not valid YAML: a control character") from None
    if not isinstance(node, yaml.MappingNode):
        raise TaskDataError(f"{path}:1: a task file is a mapping with at least the key `data`")
    lines: dict[_Path, int] = {}
    return YamlFile(path, _plain(path, node, (), lines), lines)


def _check_events(path: Path, text: str) -> None:
    """Refuse aliases, which can grow without end, and too deep nesting, before trees are built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        opens = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        depth += opens - isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        alias = isinstance(event, yaml.AliasEvent)
        if alias or depth > _DEPTH:
            what = "an alias (*) is not read here" if alias else "lists or mappings nest too deep"
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise TaskDataError(f"{path}:{line}: {what}")


def _plain(path: Path, node: yaml.Node, at: _Path, lines: dict[_Path, int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(at, line)
    if node.tag == _NULL:
        raise TaskDataError(f"{path}:{lines[at]}: `{at[-1] if at else ''}` has no value")
    if not node.tag.startswith(_TAGS) and not node.tag.endswith(":timestamp"):
        raise TaskDataError(f"{path}:{line}: the tag {node.tag!r} has no meaning here")
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            here = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise TaskDataError(f"{path}:{here}: a key must be a plain word")
            key = str(key_node.value)
            if key in content:
                raise TaskDataError(f"{path}:{here}: `{key}` is given twice")
            lines[(*at, key)] = here
            content[key] = _plain(path, value_node, (*at, key), lines)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [_plain(path, child, (*at, i), lines) for i, child in enumerate(node.value)]
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        raise TaskDataError(f"{path}:{line}: {node.value!r} is not valid YAML here") from None
