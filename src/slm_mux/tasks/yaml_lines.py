"""A task file's YAML, with the line of each key."""

from pathlib import Path

import yaml

from slm_mux.errors import TaskDataError
from slm_mux.tasks.rows import read_file
from slm_mux.yaml_lines import FileLines, YamlReader, standard_tags

_TAGS = standard_tags("map", "seq", "str", "int", "float", "bool")


class YamlFile(FileLines[TaskDataError]):
    """What a YAML file says, and on which line.

    Raises:
        TaskDataError: the text is no such YAML; with its line.
    """

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(path, TaskDataError)
        self.content = _Reader(self).read(text)


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
    return YamlFile(path, text)


class _Reader(YamlReader[TaskDataError]):
    deepest = 20
    not_a_mapping = "a task file is a mapping with at least the key `data`"

    def allows_tag(self, node: yaml.Node) -> bool:
        return node.tag.startswith(_TAGS) or node.tag.endswith(":timestamp")
