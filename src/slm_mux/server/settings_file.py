"""The settings file: YAML, each mistake with its line and the nearest valid name."""

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import Struct

from slm_mux.server.settings import KeyLimits, ServerSettings, SettingsError

T = TypeVar("T", bound=Struct)

_DEEPEST = 4
_TAGS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null"))
_Path = tuple[str | int, ...]


def read_settings(path: Path) -> ServerSettings:
    """Read a settings file.

    Raises:
        SettingsError: with file, line, and the nearest valid name.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    return _File(path).read(text)


class _File:
    """One file while it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[_Path, int] = {}

    def read(self, text: str) -> ServerSettings:
        try:
            self._refuse_aliases(text)
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line if mark else 0
            raise self._error(f"not valid YAML: {error.problem}", line) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position)
            raise self._error("not valid YAML: a control character", line) from None
        if node is None:
            return ServerSettings()
        if not isinstance(node, yaml.MappingNode):
            raise self._error("a settings file is a mapping, for instance `port: 8383`", 0)
        content = self._plain(node, ())
        keys = content.get("keys")
        if isinstance(keys, dict):
            # Complaints of msgspec's do not name the key of a mapping.
            content["keys"] = {
                label: self._converted(limits, KeyLimits, ("keys", label))
                for label, limits in keys.items()
            }
        return self._converted(content, ServerSettings, ())

    def _converted(self, content: Any, form: type[T], at: _Path) -> T:
        try:
            return msgspec.convert(content, form)
        except msgspec.ValidationError as error:
            raise self._explained(str(error), form, at) from None

    def _error(self, message: str, line: int) -> SettingsError:
        return SettingsError(f"{self._path}:{line + 1}: {message}")

    def _refuse_aliases(self, text: str) -> None:
        """Refuse what can grow without end, before a tree is built of it."""
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            opens = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            closes = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
            depth += opens - closes
            alias = isinstance(event, yaml.AliasEvent)
            if alias or depth > _DEEPEST:
                what = "an alias (*) is not read here" if alias else "this nests too deep"
                raise self._error(what, event.start_mark.line if event.start_mark else 0)

    def _plain(self, node: yaml.Node, at: _Path) -> Any:
        """Turn a node into plain values, and remember the line of each key."""
        line = node.start_mark.line
        self._lines.setdefault(at, line)
        if isinstance(node, yaml.MappingNode):
            content: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                if not isinstance(key_node, yaml.ScalarNode):
                    raise self._error("a key must be a plain word", key_node.start_mark.line)
                if key in content:
                    raise self._error(f"`{key}` is given twice", key_node.start_mark.line)
                self._lines[*at, key] = key_node.start_mark.line
                content[key] = self._plain(value_node, (*at, key))
            return content
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(child, (*at, index)) for index, child in enumerate(node.value)]
        if node.tag not in _TAGS:
            raise self._error(f"the tag {node.tag!r} has no meaning here", line)
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError):
            raise self._error(f"{node.value!r} is not valid YAML here", line) from None

    def _explained(self, complaint: str, form: type[Struct], at: _Path) -> SettingsError:
        """Trace a complaint of msgspec's back to its line."""
        message, _, where = complaint.partition(" - at `$")
        at += tuple(re.findall(r"\w+", where))[:1]
        if unknown := re.search(r"unknown field `(.*?)`", message):
            at = (*at, unknown[1])
            valid = form.__struct_fields__
            close = difflib.get_close_matches(unknown[1], valid, n=1, cutoff=0.5)
            hint = f"did you mean `{close[0]}`?" if close else f"valid are {', '.join(valid)}"
            message = f"unknown key `{unknown[1]}`; {hint}"
        else:
            named = f"`{at[-1]}`: " if at else ""
            message = f"{named}{message[0].lower()}{message[1:]}"
        while at and at not in self._lines:
            at = at[:-1]
        return self._error(message, self._lines.get(at, 0))
