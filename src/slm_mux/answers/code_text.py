"""Programs in completions: where they stand, and what they need from the prompt to run.

Which piece of a completion is the program, for a function of a known name:

1. the last fenced block that defines it;
2. the last fenced block that is the rest of the prompt (the body alone);
3. without a block, the text itself: the lines of it that are code, or the rest of the prompt.

A completion that was cut off counts where the block is closed, or where another statement follows
the function: half a function may well be valid Python.
"""

import ast
import re
import threading
import warnings
from collections.abc import Iterator

from msgspec import Struct

from slm_mux.answers.locate import without_reasoning

LONGEST_PROGRAM = 100_000
"""Characters; what is longer is no program."""
_MOST_TRIED = 50
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n`]*$", re.MULTILINE)
_OTHER_LANGUAGES = frozenset({"text", "txt", "output", "bash", "sh", "shell", "console", "json"})
_CODE_LINE = re.compile(r"(?:import|from|def|class|async def)\s+\w|@\w")
_PARSING = threading.Lock()


class Block(Struct, frozen=True):
    """A fenced block of code."""

    source: str
    closed: bool


def fenced_blocks(text: str) -> list[Block]:
    """The fenced blocks of a text that may be Python; the last may lack its closing fence."""
    blocks: list[Block] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence[1][0] == opened[1][0] and len(fence[1]) >= len(opened[1]) and not fence[2]:
            _add(blocks, text, opened, fence.start(), closed=True)
            opened = None
    if opened is not None:
        _add(blocks, text, opened, len(text), closed=False)
    return blocks


def _add(blocks: list[Block], text: str, opened: re.Match[str], end: int, *, closed: bool) -> None:
    source = text[opened.end() + 1 : end]
    if opened[2].lower() not in _OTHER_LANGUAGES and source.strip():
        indent = len(opened[0]) - len(opened[0].lstrip())
        blocks.append(Block(_outdented(source, indent), closed))


def _outdented(source: str, indent: int) -> str:
    """Code in a list item is indented with its fence."""
    if not indent:
        return source
    lines = source.splitlines(keepends=True)
    if any(line.strip() and line[:indent].strip() for line in lines):
        return source
    return "".join(line[indent:] if line.strip() else line for line in lines)


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a program, or None where it is not one. Nothing of it is run."""
    if len(source) > LONGEST_PROGRAM:
        return None
    # What is wrong with a model's escape sequences is nobody's warning here.
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def defined_names(tree: ast.Module) -> set[str]:
    """What the top level of a program defines by `def`, `class` or assignment."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names.update(target.id for target in node.targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def find_function(text: str, name: str, *, prompt: str = "", cut_off: bool = False) -> str | None:
    """The program in a completion that defines a function; see the module for the rule.

    Args:
        text: the completion; reasoning between <think> tags is not looked at.
        name: the function's.
        prompt: the start of a program that the completion may be the rest of; "" for none.
        cut_off: the token limit ended the completion.
    """
    text = without_reasoning(text)
    blocks = fenced_blocks(text)[-_MOST_TRIED:]
    for prefix in ("", prompt) if prompt else ("",):
        for block in reversed(blocks):
            source = _rest_of(prefix, block.source)
            if cut_off and not block.closed:
                source = _without_last_statement(source)
            if _defines(source, name):
                return source
    if blocks:
        return None
    for source in _unfenced(text, prompt):
        for shorter in _shortened(_without_last_statement(source) if cut_off else source):
            if _defines(shorter, name):
                return shorter
    return None


def last_script(text: str, *, cut_off: bool = False) -> str | None:
    """The last fenced block that is a Python program, whatever it defines."""
    for block in reversed(fenced_blocks(without_reasoning(text))[-_MOST_TRIED:]):
        tree = parse(block.source) if block.closed or not cut_off else None
        if tree and any(not isinstance(node, ast.Expr) or _calls(node) for node in tree.body):
            return block.source
    return None


def _calls(node: ast.AST) -> bool:
    """A block that holds a value alone is quoted, not a program."""
    return any(isinstance(part, ast.Call) for part in ast.walk(node))


def _rest_of(prompt: str, source: str) -> str:
    if not prompt:
        return source
    first = next((line for line in source.splitlines() if line.strip()), "")
    if first[:1].isspace():
        return f"{prompt.rstrip()}\n{source}"
    if not _returns(source):
        return ""
    indented = "".join(f"    {line}" for line in source.splitlines(keepends=True))
    return f"{prompt.rstrip()}\n{indented}"


def _returns(source: str) -> bool:
    """Whether a block returns outside any function of its own, as only a body does."""
    tree = parse(source)
    waiting: list[ast.AST] = list(tree.body) if tree else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            return True
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
    return False


def _unfenced(text: str, prompt: str) -> Iterator[str]:
    lines = text.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if _CODE_LINE.match(line)), None)
    if start is not None:
        yield "".join(lines[start:])
    if prompt and text[:1].isspace():
        yield f"{prompt.rstrip()}\n{text.lstrip(chr(10))}"


def _shortened(source: str) -> Iterator[str]:
    """The source, then without its last unindented lines, one by one: prose may follow code."""
    yield source
    lines = source.splitlines(keepends=True)
    tried = 0
    for number in range(len(lines) - 1, 0, -1):
        if lines[number][:1].strip() and tried < _MOST_TRIED:
            tried += 1
            yield "".join(lines[:number])


def _without_last_statement(source: str) -> str:
    lines = source.splitlines(keepends=True)
    for number in range(len(lines) - 1, -1, -1):
        if lines[number][:1].strip():
            return "".join(lines[:number])
    return ""


def _defines(source: str, name: str) -> bool:
    if name not in source:
        return False
    tree = parse(source)
    return tree is not None and name in defined_names(tree) and not _is_stub(tree, name)


def _is_stub(tree: ast.Module, name: str) -> bool:
    """Whether the function has nothing but its docstring: a prompt repeated."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return all(
                isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
                for part in node.body
            )
    return False


def prompt_tree(prompt: str) -> ast.Module | None:
    """The syntax tree of a prompt, which may end before its function has a body."""
    tree = parse(prompt)
    return tree if tree is not None else parse(f"{prompt.rstrip()}\n    pass\n")


def with_context(program: str, prompt: str, name: str) -> str:
    """A program, and before it what the prompt imports and defines and the program does not."""
    tree, given = parse(program), prompt_tree(prompt)
    if tree is None or given is None:
        return program
    present = {ast.unparse(node) for node in tree.body if isinstance(node, _IMPORTS)}
    defined = defined_names(tree) | {name}
    missing: list[str] = []
    for node in given.body:
        if isinstance(node, _IMPORTS):
            if ast.unparse(node) not in present:
                missing.append(ast.unparse(node))
        elif isinstance(node, _DEFINITIONS):
            if node.name not in defined:
                missing.append(ast.unparse(node))
        elif isinstance(node, ast.Assign):
            missing.append(ast.unparse(node))
    if not missing:
        return program
    future = [line for line in present if line.startswith("from __future__")]
    return "\n".join([*future, *missing, "", program])


_IMPORTS = (ast.Import, ast.ImportFrom)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
