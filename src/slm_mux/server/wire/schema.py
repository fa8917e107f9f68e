"""Checks a JSON value against a JSON Schema, with errors that a person can act on.

Only what this package's own schemas use is understood (`KEYWORDS`; a test holds them to it). The
same schemas are published in the API's description, so what is checked is what is promised. Three
keywords are our own:

- `x-refused`: on a property, why it is not served, but for null and what its `enum` allows; on a
  union, a mapping from a tag that is not served to the reason.
- `x-tag`: on a union, the property by whose constant its objects are told apart.
- `x-what`: what a value is, in words, for errors about the whole of it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slm_mux.server.wire.errors import refused, shortened
from slm_mux.server.wire.names import nearest

Schema = Mapping[str, Any]

KEYWORDS = frozenset(
    {
        "type",
        "enum",
        "const",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "items",
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "maxProperties",
        "anyOf",
        "description",
        "default",
        "examples",
        "deprecated",
        "x-refused",
        "x-tag",
        "x-what",
    }
)
"""All that a schema may use."""

NOTHING: Schema = {"type": "null"}
"""As `additionalProperties`: a field that is unknown may be there if it says nothing."""

_WORDS = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "an object",
}
_NAMES = {
    type(None): ("null",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    str: ("string",),
    list: ("array",),
    dict: ("object",),
}


def closed(required: Sequence[str], **properties: Schema) -> dict[str, Any]:
    """Give the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


def tagged(kind: str, **properties: Schema) -> dict[str, Any]:
    """Give the schema of an object with these properties and the `type` that tells it apart."""
    return closed(["type", *properties], type={"type": "string", "const": kind}, **properties)


def check(value: Any, schema: Schema, path: str = "") -> None:
    """Check a value that came out of JSON.

    Args:
        value: made of None, bool, int, float, str, list and dict.
        schema: uses `KEYWORDS` only.
        path: where the value stands, for instance `messages[0].content`; "" for the whole body.

    Raises:
        RefusedError: 400, with the path as `param`.
    """
    if "anyOf" in schema:
        _check_union(value, schema, path)
        return
    reason = schema.get("x-refused")
    if isinstance(reason, str):
        served = _is_any(value, schema["type"]) and value in schema.get("enum", ())
        if value is not None and not served:
            raise refused(f"`{path}` is not served: {reason}", param=path, code="unsupported")
        return
    if (types := schema.get("type")) is not None and not _is_any(value, types):
        raise _wrong(path, value, _must_be(_listed(types)))
    if value is None:
        return
    if "const" in schema and value != schema["const"]:
        raise _wrong(path, value, f"must be {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        allowed = [str(name) for name in schema["enum"] if name is not None]
        hint = nearest(value, allowed) if isinstance(value, str) else ""
        raise _wrong(path, value, f"must be one of {', '.join(allowed)}{hint}")
    if isinstance(value, str):
        _check_text(value, schema, path)
    elif isinstance(value, list):
        _check_list(value, schema, path)
    elif isinstance(value, dict):
        _check_object(value, schema, path)
    elif not isinstance(value, bool):
        _check_number(value, schema, path)


def _check_number(value: float, schema: Schema, path: str) -> None:
    if "minimum" in schema and value < schema["minimum"]:
        raise _wrong(path, value, f"must be at least {schema['minimum']:,}")
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        raise _wrong(path, value, f"must be more than {schema['exclusiveMinimum']:,}")
    if "maximum" in schema and value > schema["maximum"]:
        raise _wrong(path, value, f"must be at most {schema['maximum']:,}")


def _check_text(value: str, schema: Schema, path: str) -> None:
    if len(value) < schema.get("minLength", 0):
        raise refused(f"`{path}` is empty", param=path)
    most = schema.get("maxLength")
    if most is not None and len(value) > most:
        raise refused(
            f"`{path}` has {len(value):,} characters, but may have at most {most:,}", param=path
        )
    if "pattern" in schema and not _matches(schema["pattern"], value):
        raise _wrong(path, value, str(schema.get("x-what", f"must match {schema['pattern']}")))


def _check_list(value: Sequence[Any], schema: Schema, path: str) -> None:
    _check_size(len(value), schema.get("minItems", 0), schema.get("maxItems"), path)
    items = schema.get("items")
    if items is not None:
        for index, item in enumerate(value):
            check(item, items, f"{path}[{index}]")


def _check_object(value: Mapping[str, Any], schema: Schema, path: str) -> None:
    _check_size(len(value), schema.get("minProperties", 0), schema.get("maxProperties"), path)
    properties: Mapping[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            where = f" in `{path}`" if path else ""
            raise refused(f"`{name}` is missing{where}", param=_under(path, name))
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            check(item, properties[name], _under(path, name))
        elif others is False or (others == NOTHING and item is not None):
            where = f" in `{path}`" if path else ""
            raise refused(
                f"there is no field `{shortened(name)}`{where}{nearest(name, list(properties))}",
                param=_under(path, shortened(name)),
                code="unknown_field",
            )
        elif others is not True:
            check(item, others, _under(path, shortened(name)))


def _check_size(size: int, least: int, most: int | None, path: str) -> None:
    if size < least:
        raise refused(f"`{path}` has {size} entries, but needs at least {least}", param=path)
    if most is not None and size > most:
        raise refused(f"`{path}` has {size:,} entries, but may have at most {most:,}", param=path)


def _check_union(value: Any, schema: Schema, path: str) -> None:
    """Check against the one branch that the value's JSON type, and its tag, choose."""
    branches: Sequence[Schema] = schema["anyOf"]
    tag = schema.get("x-tag")
    if tag is not None and isinstance(value, dict):
        _check_tagged(value, schema, tag, path)
        return
    for branch in branches:
        if _is_any(value, branch["type"]):
            check(value, branch, path)
            return
    names = [name for branch in branches for name in _listed(branch["type"])]
    raise _wrong(path, value, _must_be(dict.fromkeys(names)))


def _check_tagged(value: Mapping[str, Any], schema: Schema, tag: str, path: str) -> None:
    name = value.get(tag)
    known = []
    for branch in schema["anyOf"]:
        own = branch.get("properties", {}).get(tag)
        if own is not None:
            if own["const"] == name:
                check(value, branch, path)
                return
            known.append(str(own["const"]))
    where = _under(path, tag)
    if tag not in value:
        raise refused(f"`{tag}` is missing in `{path}`", param=where)
    reason = schema.get("x-refused", {}).get(name) if isinstance(name, str) else None
    if reason is not None:
        raise refused(
            f"`{where}` {name!r} is not served: {reason}", param=where, code="unsupported"
        )
    hint = nearest(name, known) if isinstance(name, str) else ""
    raise _wrong(where, name, f"must be one of {', '.join(known)}{hint}")


def _is_any(value: Any, types: str | Sequence[str]) -> bool:
    """Whether a value has one of the types; no type's name is a part of another's."""
    for name in _NAMES[type(value)]:
        if name in types:
            return True
    # JSON has one type of number: 3.0 is whole.
    return isinstance(value, float) and value.is_integer() and "integer" in types


def _listed(types: str | Sequence[str]) -> Sequence[str]:
    return (types,) if isinstance(types, str) else types


def _must_be(types: Iterable[str]) -> str:
    *words, last = [_WORDS[name] for name in types]
    return f"must be {', '.join(words)} or {last}" if words else f"must be {last}"


def _matches(pattern: str, value: str) -> bool:
    # In a JSON Schema $ is the end of the text alone; in Python it may stand before a line break.
    return re.search(re.sub(r"\$$", r"\\Z", pattern), value) is not None


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _wrong(path: str, value: Any, rule: str) -> Exception:
    return refused(f"`{path}` is {_shown(value)}, but {rule}", param=path)


def _shown(value: Any) -> str:
    """Show a client's own value, short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**20:
        return f"a number of {len(str(abs(value)))} digits"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return repr(shortened(value, 40))
    return "a list" if isinstance(value, list) else "an object"
