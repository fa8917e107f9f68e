"""The settings file: YAML, each mistake with its line and the nearest valid name."""

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import Struct

from slm_mux.server.settings import KeyLimits, ServerSettings, SettingsError
from slm_mux.yaml_lines import FileLines, KeyPath, YamlReader, located, nearest, standard_tags

T = TypeVar("T", bound=Struct)

_TAGS = standard_tags("str", "int", "float", "bool", "null")


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
    lines = FileLines(path, SettingsError)
    content = _Reader(lines).read(text)
    keys = content.get("keys")
    if isinstance(keys, dict):
        # Complaints of msgspec's do not name the key of a mapping.
        content["keys"] = {
            label: _converted(limits, KeyLimits, lines, ("keys", label))
            for label, limits in keys.items()
        }
    return _converted(content, ServerSettings, lines, ())


class _Reader(YamlReader[SettingsError]):
    deepest = 4
    not_a_mapping = "a settings file is a mapping, for instance `port: 8383`"
    may_be_empty = True
    too_deep = "this nests too deep"

    def allows_tag(self, node: yaml.Node) -> bool:
        return node.tag in _TAGS or not isinstance(node, yaml.ScalarNode)


def _converted(content: Any, form: type[T], lines: FileLines[SettingsError], at: KeyPath) -> T:
    try:
        return msgspec.convert(content, form)
    except msgspec.ValidationError as error:
        message, where = located(str(error))
    at += where
    if unknown := re.search(r"unknown field `(.*?)`", message):
        name = unknown[1]
        hint = nearest(name, form.__struct_fields__)
        raise lines.error((*at, name), f"unknown key `{name}`{hint}")
    named = f"`{at[-1]}`: " if at else ""
    raise lines.error(at, f"{named}{message[0].lower()}{message[1:]}")
