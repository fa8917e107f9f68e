"""The examples in a prompt: the arguments of the calls that its text shows."""

import ast
import re
from typing import Any

from slm_mux.answers.code_text import parse, prompt_tree


def examples_in(prompt: str, name: str) -> list[list[Any]]:
    """The arguments of every call of the function that the prompt's text shows, in order.

    `>>> f(1)`, `f(1) == 2`, `f(1) ➞ 2`, "for example f(1) returns 2": whatever follows the call is
    not looked at. Calls with anything but literals, or with names, are passed over.
    """
    examples: list[list[Any]] = []
    _add_calls(examples, prompt, re.escape(name), None)
    if not examples:
        parameters = required_parameters(prompt, name)
        if parameters:
            names = [parameter.arg for parameter in parameters]
            # Prompts misspell their function's name, or name its arguments one by one.
            _add_calls(examples, prompt, r"\w+", len(names))
            if not examples:
                _add_assigned(examples, prompt, names)
    return examples


def required_parameters(prompt: str, name: str) -> list[ast.arg] | None:
    """The parameters that a call of the prompt's function must give; None where it has none."""
    tree = prompt_tree(prompt)
    for node in tree.body if tree else []:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            given = [*node.args.posonlyargs, *node.args.args]
            return given[: len(given) - len(node.args.defaults)]
    return None


def _add_calls(examples: list[list[Any]], prompt: str, name: str, count: int | None) -> None:
    for match in re.finditer(rf"(?<![\w.]){name}\s*\(", prompt):
        if prompt[: match.start()].endswith("def "):
            continue
        arguments = _literal_arguments(prompt, match.end())
        if arguments is not None and (count is None or len(arguments) == count):
            _add(examples, arguments)


def _add_assigned(examples: list[list[Any]], prompt: str, names: list[str]) -> None:
    """Read "for lst = [1, 2]" and "s = 'abc', k = 2", the first of each name with one another."""
    found = [
        [value for place in _after(prompt, name) if (value := _literal(prompt, place)) is not None]
        for name in names
    ]
    if len(names) == 1 and not found[0]:
        places = (match.end() for match in re.finditer(r"(?i)\binput\s*:|\bfor\s+\w+\s*=", prompt))
        found = [[value for place in places if (value := _literal(prompt, place)) is not None]]
    for values in zip(*found, strict=False):
        _add(examples, [value[0] for value in values])


def _after(prompt: str, name: str) -> list[int]:
    pattern = rf"(?<![\w.]){re.escape(name)}\s*=(?!=)"
    return [match.end() for match in re.finditer(pattern, prompt)]


def _literal(text: str, start: int) -> list[Any] | None:
    """The longest literal that starts here and ends in its line, in a list of its own."""
    line = text[start : start + 300].split("\n", 1)[0].strip().strip("`")
    ends = [match.end() for match in re.finditer(r"""[\w\])}"'](?!\w)""", line)][-40:]
    for end in reversed(ends):
        tree = parse(line[:end])
        match tree.body if tree else None:
            case [ast.Expr(value=value)]:
                if (found := _values([value])) is not None:
                    return found
    return None


def _values(literals: list[ast.expr]) -> list[Any] | None:
    """The values of literals; None where one of them is no literal."""
    try:
        return [ast.literal_eval(literal) for literal in literals]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _add(examples: list[list[Any]], arguments: list[Any]) -> None:
    # 1 and True are equal, but no example for each other.
    if repr(arguments) not in {repr(example) for example in examples}:
        examples.append(arguments)


def _literal_arguments(text: str, start: int) -> list[Any] | None:
    """Read from after an opening parenthesis to the first closing one that makes sense."""
    end = start
    for _ in range(20):
        end = text.find(")", end) + 1
        if end <= 0 or end - start > 2000:
            return None
        tree = parse(f"f({text[start:end]}")
        match tree.body if tree else None:
            case [ast.Expr(value=ast.Call(args=arguments, keywords=[]))]:
                return _values(arguments)
    return None
