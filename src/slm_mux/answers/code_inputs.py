"""Inputs on which programs are compared: the prompt's examples, and more like them.

The inputs are a pure function of the prompt: what is drawn is drawn by a generator seeded with its
hash, through `Random.random` alone, whose sequence Python keeps from version to version.
"""

import ast
import hashlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from slm_mux.answers.code_examples import examples_in, required_parameters
from slm_mux.answers.code_text import parse
from slm_mux.types import CodeSpec

MOST_EXAMPLES = 8
MOST_INPUTS = 24
_MOST_DRAWN = 200
_INTEGERS = (0, 1, 2, 3, 4, 5, 7, 8, 10, 12, 15, 21, 30, 64, 100, -1, -3, -12)
_FLOATS = (0.0, 0.5, 1.0, 1.5, 2.75, 3.14159, 10.0, 99.99, -1.0, -2.25)
_WORDS = (
    "", "a", "b", "ab", "hello", "Hello World", "racecar", "AaBbCc", "one two three", "x, y; z.",
    "12 34", "2024-01-31", "aaabbc", "mississippi",
)  # fmt: skip
_DEEPEST = 4

Shape = tuple[Any, ...]
"""("int",), ("list", element), ("dict", key, value), ("tuple", (parts...)), ..., or ("any",)."""
ANY: Shape = ("any",)
_LIKELY: dict[str, Shape] = dict.fromkeys(("lst", "arr", "array", "list"), ("list", ("int",)))
_LIKELY |= dict.fromkeys(("s", "string", "text", "word", "txt", "sentence", "str"), ("str",))
_LIKELY |= dict.fromkeys(
    ("a", "b", "c", "i", "j", "k", "m", "n", "x", "y", "z", "num", "number", "size"), ("int",)
)
_LIKELY |= {"nums": ("list", ("int",)), "numbers": ("list", ("int",)), "l": ("list", ("int",))}
_SIMPLE = {"int": ("int",), "float": ("float",), "str": ("str",), "bool": ("bool",)}
_SIMPLE |= {"complex": ("float",), "None": ("none",), "bytes": ("bytes",)}
_GROUPS = {"list": "list", "sequence": "list", "iterable": "list", "collection": "list"}
_GROUPS |= {"set": "set", "frozenset": "set", "dict": "dict", "mapping": "dict", "tuple": "tuple"}
_GROUPS |= {"defaultdict": "dict", "counter": "dict", "iterator": "list"}


def inputs_for(spec: CodeSpec) -> tuple[str, ...]:
    """The arguments of each call on which programs for this prompt are compared.

    Returns:
        1 to `MOST_INPUTS` argument lists as Python source, `"[1, 2], 'x'"`; the prompt's examples
        first. All are literals.
    """
    examples = examples_in(spec.prompt, spec.entry_point)[:MOST_EXAMPLES]
    shapes = _parameters(spec, examples)
    if shapes is None:
        return tuple(_source(example) for example in examples) or ("",)
    digest = hashlib.blake2b(f"{spec.entry_point}\n{spec.prompt}".encode("utf-8", "replace"))
    drawing = _Drawing(Random(digest.digest()), examples)  # noqa: S311 (no secret)
    found = dict.fromkeys(_source(example) for example in examples)
    for number in range(_MOST_DRAWN):
        if len(found) >= MOST_INPUTS or not shapes:
            break
        if examples and number % 2 == 0:
            found[_source(drawing.varied_example())] = None
        else:
            found[_source([drawing.value(shape) for shape in shapes])] = None
    return tuple(found) or ("",)


def _source(arguments: list[Any]) -> str:
    return ", ".join(repr(argument) for argument in arguments)


def _parameters(spec: CodeSpec, examples: list[list[Any]]) -> list[Shape] | None:
    """The shape of each parameter that a call must give; None where nothing is known of them."""
    parameters = required_parameters(spec.prompt, spec.entry_point)
    if parameters is None:
        if not examples:
            return None
        parameters = [ast.arg(arg="", annotation=None) for _ in examples[0]]
    shapes: list[Shape] = []
    for number, parameter in enumerate(parameters):
        shape = _annotated(parameter.annotation, 0)
        seen = [_shape_of(example[number], 0) for example in examples if number < len(example)]
        # An annotation such as `list` says less than an example of one.
        if seen and (shape == ANY or shape[1:] in ((ANY,), (ANY, ANY))):
            shape = next((one for one in seen if one[1:] != (ANY,)), seen[0])
        shapes.append(_named(parameter.arg) if shape == ANY else shape)
    return shapes


def _named(name: str) -> Shape:
    """What a parameter without annotation or example most likely is, by its name."""
    name = name.lower().rstrip("0123456789_")
    if name in _LIKELY:
        return _LIKELY[name]
    return _LIKELY.get(name.removesuffix("s"), ANY)


def _annotated(annotation: ast.expr | None, depth: int) -> Shape:
    if annotation is None or depth > _DEEPEST:
        return ANY
    match annotation:
        case ast.Constant(value=None):
            return ("none",)
        case ast.Constant(value=str() as text):
            tree = parse(text)
            inner = tree.body[0] if tree and tree.body else None
            return _annotated(inner.value, depth + 1) if isinstance(inner, ast.Expr) else ANY
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return ("either", (_annotated(left, depth + 1), _annotated(right, depth + 1)))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if name in _SIMPLE:
                return _SIMPLE[name]
            return _group(_GROUPS.get(name.lower()), [], depth)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inside):
            parts = list(inside.elts) if isinstance(inside, ast.Tuple) else [inside]
            if name == "Optional":
                return ("either", (_annotated(parts[0], depth + 1), ("none",)))
            if name == "Union":
                return ("either", tuple(_annotated(part, depth + 1) for part in parts))
            return _group(_GROUPS.get(name.lower()), parts, depth)
    return ANY


def _group(kind: str | None, parts: list[ast.expr], depth: int) -> Shape:
    match kind:
        case "dict":
            pair = [_annotated(part, depth + 1) for part in parts[:2]]
            return ("dict", *pair) if len(pair) == 2 else ("dict", ANY, ANY)
        case "tuple":
            if len(parts) == 2 and isinstance(parts[1], ast.Constant):
                return ("tuple", (_annotated(parts[0], depth + 1),) * 3)
            return ("tuple", tuple(_annotated(part, depth + 1) for part in parts))
        case str():
            return (kind, _annotated(parts[0], depth + 1) if parts else ANY)
    return ANY


def _shape_of(value: Any, depth: int) -> Shape:
    if value is None:
        return ("none",)
    if depth > _DEEPEST:
        return ANY
    match value:
        case tuple():
            return ("tuple", tuple(_shape_of(part, depth + 1) for part in value))
        case list() | set() | frozenset():
            kind = "list" if isinstance(value, list) else "set"
            shapes = dict.fromkeys(_shape_of(part, depth + 1) for part in value)
            few = tuple(shapes)
            return (kind, ANY if not few else few[0] if len(few) == 1 else ("either", few[:4]))
        case dict():
            for key, part in value.items():
                return ("dict", _shape_of(key, depth + 1), _shape_of(part, depth + 1))
            return ("dict", ANY, ANY)
    return _SIMPLE.get(type(value).__name__, ANY)


class _Drawing:
    """Draws values of a shape, and examples with one argument changed."""

    def __init__(self, random: Random, examples: list[list[Any]]) -> None:
        self._random = random
        self._examples = [example for example in examples if example]
        leaves = [leaf for example in examples for leaf in _leaves(example)]
        strings = [leaf for leaf in leaves if isinstance(leaf, str)]
        self._characters = sorted(set("".join(strings)))
        self._words = strings or list(_WORDS)
        # Where the examples know no negative number, one may be no valid argument, and right
        # programs may differ on it.
        self._negative = not examples or any(
            isinstance(leaf, int | float) and leaf < 0 for leaf in leaves
        )
        self._integers = [number for number in _INTEGERS if self._negative or number >= 0]
        self._floats = [number for number in _FLOATS if self._negative or number >= 0]

    def varied_example(self) -> list[Any]:
        if not self._examples:
            return []
        example = list(self._pick(self._examples))
        place = self._below(len(example))
        example[place] = self._varied(example[place], 0)
        return example

    def value(self, shape: Shape, depth: int = 0) -> Any:
        match shape:
            case ("either", options):
                return self.value(self._pick(options), depth)
            case ("list", element):
                return [self._element(element, depth) for _ in range(self._length(depth))]
            case ("set", element):
                return _as_set(self._element(element, depth) for _ in range(self._length(depth)))
            case ("tuple", parts):
                return tuple(self.value(part, depth + 1) for part in parts)
            case ("dict", key, part):
                names = ("str",) if key == ANY else key
                return {
                    _hashable(self.value(names, depth + 1)): self._element(part, depth)
                    for _ in range(self._length(depth))
                }
        return self._simple(shape[0])

    def _simple(self, name: str) -> Any:
        match name:
            case "int":
                return self._pick(self._integers)
            case "float":
                return self._pick(self._floats)
            case "bool":
                return self._random.random() < 0.5
            case "str":
                return self._string()
            case "bytes":
                return self._string().encode("utf-8", "replace")
            case "none":
                return None
        return self._pick((0, 1, -2, 7, 2.5, "", "abc", [], [3, 1, 2], None, True))

    def _element(self, shape: Shape, depth: int) -> Any:
        if depth >= _DEEPEST:
            return 0
        return self._pick(self._integers) if shape == ANY else self.value(shape, depth + 1)

    def _string(self) -> str:
        if self._characters and self._random.random() < 0.6:
            return "".join(self._pick(self._characters) for _ in range(self._below(9)))
        return str(self._pick(self._words))

    def _varied(self, value: Any, depth: int) -> Any:
        changes: list[Callable[[], Any]]
        match value:
            case bool():
                return not value
            case int():
                changes = [lambda: value + 1, lambda: value - 1, lambda: 2 * value]
                changes += [lambda: value // 2, lambda: value + 7, lambda: 0]
            case float():
                changes = [lambda: value + 1, lambda: value / 2, lambda: -value, lambda: 0.0]
                changes += [lambda: round(value * 1.25, 3)]
            case str():
                changes = [lambda: value[::-1], lambda: value[1:], lambda: value[:-1]]
                changes += [lambda: value + value, value.swapcase, self._string]
                changes += [lambda: "".join(self._shuffled(value)), value.lower]
            case list() | tuple() if value and depth < _DEEPEST:
                changes = [lambda: value[::-1], lambda: value[1:], lambda: value[:-1]]
                changes += [lambda: 2 * value, lambda: type(value)(self._shuffled(value))]
                changes += [lambda: self._one_varied(value, depth)] * 4
                if isinstance(value, tuple):
                    changes = changes[-4:]
            case dict() if value:
                key = self._pick(list(value))
                return {**value, key: self._varied(value[key], depth + 1)}
            case _:
                return value
        varied = self._pick(changes)()
        if isinstance(varied, int | float) and not self._negative:
            return abs(varied)
        return varied

    def _one_varied(self, value: Any, depth: int) -> Any:
        items = list(value)
        place = self._below(len(items))
        items[place] = self._varied(items[place], depth + 1)
        return type(value)(items)

    def _shuffled(self, values: Any) -> list[Any]:
        keyed = [(self._random.random(), number, value) for number, value in enumerate(values)]
        return [value for _, _, value in sorted(keyed, key=lambda entry: entry[:2])]

    def _length(self, depth: int) -> int:
        return self._below(7 if depth == 0 else 4)

    def _below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def _pick(self, values: Any) -> Any:
        return values[self._below(len(values))]


def _leaves(value: Any) -> Iterator[Any]:
    """The values in a value that hold no others, always in the same order."""
    match value:
        case dict():
            parts = [part for pair in value.items() for part in pair]
        case list() | tuple() | set():
            parts = sorted(value, key=repr)
        case _:
            yield value
            return
    for part in parts:
        yield from _leaves(part)


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict | set) else value


def _as_set(values: Any) -> set[Any]:
    return {_hashable(value) for value in values}
