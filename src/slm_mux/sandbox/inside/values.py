"""Values that programs return: their canonical form, their form as text, and a plain encoding."""

import hashlib
import math
from collections.abc import Iterator
from typing import Any

LONGEST = 2000
"""Characters of a canonical form; a longer one is replaced by its hash."""
_DEEPEST = 40
_MOST_ITEMS = 100_000


class TooLargeError(Exception):
    """A value of too many parts."""


def canonical(value: object) -> str:
    """The canonical form: equal for values that Python's `==` calls equal, up to rounding.

    Whole numbers are exact, and 1, 1.0 and True are one. Other floats are rounded to 9 significant
    digits: sums in another order differ in the 16th, and a formula of a few steps stays exact to
    far more than 9. Sets and dicts are sorted; NaN is equal to NaN; a list is not a tuple. Objects
    of the program's own classes are compared by class name and attributes, since their identity and
    address mean nothing. What is longer than `LONGEST` characters is hashed.
    """
    text = _canonical(value, 0, [_MOST_ITEMS])
    if len(text) > LONGEST:
        digest = hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16)
        return f"{type(value).__name__} blake2b-128:{digest.hexdigest()}"
    return text


def _canonical(value: Any, depth: int, left: list[int]) -> str:
    left[0] -= 1
    if left[0] < 0:
        raise TooLargeError
    if depth > _DEEPEST:
        return "..."
    match value:
        case None | str() | bytes() | bytearray():
            return repr(bytes(value) if isinstance(value, bytearray) else _plain(value))
        case bool() | int() | float():
            return number_text(value)
        case complex():
            return f"({number_text(value.real)}+{number_text(value.imag)}j)"
        case list() | tuple():
            parts = ",".join(_canonical(part, depth + 1, left) for part in value)
            return f"[{parts}]" if isinstance(value, list) else f"({parts})"
        case set() | frozenset():
            return "{" + ",".join(sorted(_canonical(p, depth + 1, left) for p in value)) + "}"
        case dict():
            pairs = (
                f"{_canonical(key, depth + 1, left)}:{_canonical(part, depth + 1, left)}"
                for key, part in value.items()
            )
            return "{:" + ",".join(sorted(pairs)) + "}"
        case type():
            return f"<class {value.__name__}>"
    name = type(value).__name__
    if isinstance(value, Iterator | range):
        return f"<{name} {_canonical(_items(value), depth + 1, left)}>"
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict) and attributes and not callable(value):
        return f"<{name} {_canonical(attributes, depth + 1, left)}>"
    if callable(value) or "__repr__" not in _own_names(type(value)):
        return f"<{name}>"
    return f"<{name} {str(value)[:LONGEST]}>"


def _own_names(kind: type) -> set[str]:
    return {name for base in kind.__mro__[:-1] for name in base.__dict__}


def _plain(value: Any) -> Any:
    return str.__str__(value) if isinstance(value, str) else value


def number_text(value: float) -> str:
    """A number's canonical form; see `canonical`."""
    if isinstance(value, int):
        return _whole(int(value))
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 2.0**53:
        return _whole(int(value))
    rounded = float(f"{value:.9g}")
    return _whole(int(rounded)) if rounded == int(rounded) else f"{rounded:.9g}"


def _whole(value: int) -> str:
    return str(value) if value.bit_length() < 4000 else hex(value)


def as_text(value: Any) -> str:
    """How a returned value is read as an answer.

    Floats have 12 significant digits at most and no exponent where that is short, so that 0.1 + 0.2
    is "0.3" and 20.999999999999996 is "21". Fractions are "3/4"; a list or tuple of one is that
    one. Everything else is what `print` writes, but dicts and lists are JSON where they can be.
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, dict | list):
        import json

        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            pass
    return str(value)


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == int(value):
        return _whole(int(value))
    text = f"{value:.12g}"
    if "e" not in text:
        return text
    return f"{value:.20f}".rstrip("0") if 1e-12 < abs(value) < 1 else repr(value)


def _items(value: Any) -> list[Any]:
    items: list[Any] = []
    for item in value:
        items.append(item)
        if len(items) > _MOST_ITEMS:
            raise TooLargeError
    return items


class Opaque:
    """Stands for a value that has no plain encoding; equal to nothing but itself."""

    def __init__(self, name: str) -> None:
        self.name = name


def encode(value: Any) -> bytes:
    """Encode a value of plain types, subclasses as their plain base, for `decode`.

    The two never run code of the value's own classes at the other end, so an object that claims to
    equal everything arrives as what it is.
    """
    parts: list[bytes] = []
    _encode(value, parts, 0)
    return b"".join(parts)


_BASES = ((list, b"l"), (tuple, b"t"), (set, b"s"), (frozenset, b"z"))


def _encode(value: Any, parts: list[bytes], depth: int) -> None:
    if depth > 200 or len(parts) > 20 * _MOST_ITEMS:
        raise TooLargeError
    kind = type(value)
    if value is None or kind is bool:
        parts.append({None: b"N", True: b"T", False: b"F"}[value])
    elif issubclass(kind, int):
        _put(parts, b"i", hex(int.__index__(value)).encode())
    elif issubclass(kind, float):
        _put(parts, b"f", float.hex(value).encode())
    elif issubclass(kind, complex):
        _put(parts, b"c", f"{value.real.hex()} {value.imag.hex()}".encode())
    elif issubclass(kind, str):
        _put(parts, b"u", str.encode(value, "utf-8", "surrogatepass"))
    elif issubclass(kind, bytes | bytearray):
        _put(parts, b"b", bytes(value))
    elif issubclass(kind, dict):
        items = list(dict.items(value))
        _put(parts, b"d", str(len(items)).encode())
        for key, part in items:
            _encode(key, parts, depth + 1)
            _encode(part, parts, depth + 1)
    else:
        _encode_group(value, parts, depth)


def _encode_group(value: Any, parts: list[bytes], depth: int) -> None:
    group = next((one for one in _BASES if issubclass(type(value), one[0])), None)
    if group is not None:
        base, tag = group
        items: list[Any] = list(base.__iter__(value))
    elif isinstance(value, Iterator | range):
        tag, items = b"g" if isinstance(value, Iterator) else b"r", _items(value)
    else:
        _put(parts, b"o", type(value).__name__.encode())
        return
    _put(parts, tag, str(len(items)).encode())
    for item in items:
        _encode(item, parts, depth + 1)


def _put(parts: list[bytes], tag: bytes, content: bytes) -> None:
    parts.append(tag + str(len(content)).encode() + b":" + content)


def decode(data: bytes) -> Any:
    """Decode what `encode` wrote; any bytes at all are safe to give.

    Raises:
        ValueError: they are not an encoding. A set of what cannot be in one raises TypeError.
    """
    value, end = _decode(data, 0, 0)
    if end != len(data):
        raise ValueError("trailing bytes")
    return value


def _decode(data: bytes, position: int, depth: int) -> tuple[Any, int]:
    tag = data[position : position + 1]
    position += 1
    if depth > 200 or not tag:
        raise ValueError("too deep or too short")
    if tag in b"NTF":
        return {b"N": None, b"T": True, b"F": False}[tag], position
    colon = data.index(b":", position, position + 20)
    end = colon + 1 + int(data[position:colon])
    content = data[colon + 1 : end]
    if len(content) != end - colon - 1 or end <= colon:
        raise ValueError("too short")
    match tag:
        case b"i":
            return int(content, 16), end
        case b"f":
            return float.fromhex(content.decode("ascii")), end
        case b"c":
            real, imaginary = content.decode("ascii").split(" ")
            return complex(float.fromhex(real), float.fromhex(imaginary)), end
        case b"u":
            return content.decode("utf-8", "surrogatepass"), end
        case b"b":
            return content, end
        case b"o":
            return Opaque(content.decode("utf-8", "replace")), end
    count = int(content) * (2 if tag == b"d" else 1)
    items: list[Any] = []
    for _ in range(count):
        item, end = _decode(data, end, depth + 1)
        items.append(item)
    match tag:
        case b"d":
            return dict(zip(items[::2], items[1::2], strict=True)), end
        case b"l" | b"r":
            return items, end
        case b"t":
            return tuple(items), end
        case b"s":
            return set(items), end
        case b"z":
            return frozenset(items), end
        case b"g":
            return iter(items), end
    raise ValueError("unknown tag")
