"""The API's description, and the page of documentation, say what the server does."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import slm_mux.server
from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import RefusedError
from slm_mux.server.wire.fields import fields_of
from slm_mux.server.wire.forms import FORMS
from slm_mux.server.wire.names import names_of
from slm_mux.server.wire.openapi import chat_request_schema, openapi_document
from slm_mux.server.wire.options import options_of
from slm_mux.server.wire.schema import KEYWORDS, check

CAPS = Caps(max_samples=5)
NAMES = names_of({"home": ["phi"]}, ["single"])
DOCUMENT = openapi_document(CAPS, names=NAMES.all(), version="0.1.0", secured=True)
DOCS = Path(__file__).parents[3] / "docs" / "api.md"


def schemas(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give a schema and all that are in it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema[name] for name in ("items", "additionalProperties") if name in schema]
    for part in inner:
        if isinstance(part, Mapping):
            yield from schemas(part)


@pytest.mark.parametrize("name", ["ChatRequest", *FORMS])
def test_every_keyword_is_understood(name: str) -> None:
    """A schema cannot promise what is not checked."""
    for schema in schemas(DOCUMENT["components"]["schemas"][name]):
        assert schema.keys() <= KEYWORDS
        for branch in schema.get("anyOf", ()):
            assert "type" in branch


def test_the_request_is_checked_by_the_schema_that_is_published() -> None:
    """Every field's published schema is the table's, limits of the server included."""
    published = DOCUMENT["components"]["schemas"]["ChatRequest"]["properties"]
    assert list(published) == [field.name for field in fields_of(CAPS)]
    for field in fields_of(CAPS):
        own = {key: published[field.name][key] for key in field.schema}
        assert own == field.schema
    assert published["mux"]["properties"]["samples"]["maximum"] == 5
    assert published["model"]["enum"] == list(NAMES.all())
    assert chat_request_schema(CAPS)["required"] == ["model", "messages"]


def test_every_reference_leads_somewhere() -> None:
    """Nothing in the document points at what is not there."""
    references = re.findall(r"'\$ref': '#/components/(\w+)/(\w+)'", str(DOCUMENT))
    assert references
    for part, name in references:
        assert name in DOCUMENT["components"][part]


def test_a_key_is_asked_for_where_there_is_one() -> None:
    """Without keys the document says nothing of them; /health never needs one."""
    assert DOCUMENT["security"] == [{"key": []}]
    assert DOCUMENT["paths"]["/health"]["get"]["security"] == []
    assert "security" not in openapi_document(CAPS, version="0", secured=False)


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        (1, {"type": "string"}, "must be a text"),
        (True, {"type": "integer"}, "must be a whole number"),
        (1.5, {"type": ["integer", "null"]}, "must be a whole number or null"),
        ("b", {"type": "string", "const": "a"}, "must be 'a'"),
        ("ab", {"type": "string", "maxLength": 1}, "2 characters"),
        ("a\n", {"type": "string", "pattern": "^a$"}, "must match"),
        ([], {"type": "array", "minItems": 1}, "needs at least 1"),
        ({"a": 1}, {"type": "object", "additionalProperties": False}, "no field `a`"),
        ({"a": 1}, {"type": "object", "maxProperties": 0}, "at most 0"),
        (0, {"type": ["boolean", "null"], "enum": [False], "x-refused": "why"}, "why"),
    ],
)
def test_a_schema_refuses_what_it_does_not_allow(
    value: Any, schema: dict[str, Any], words: str
) -> None:
    """With words that say what would do."""
    with pytest.raises(RefusedError, match=words):
        check(value, schema, "x")


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (3.0, {"type": "integer"}),
        (None, {"type": ["string", "null"], "minLength": 1}),
        (None, {"anyOf": [{"type": "null"}]}),
        ({"a": [1]}, {"type": "object"}),
        (False, {"type": ["boolean", "null"], "enum": [False], "x-refused": "why"}),
    ],
)
def test_a_schema_allows_what_it_does(value: Any, schema: dict[str, Any]) -> None:
    """Whole numbers may be written with a point, and null has no length."""
    check(value, schema, "x")


def rows(heading: str) -> list[str]:
    """Give the first cells of the table below a heading of docs/api.md."""
    section = DOCS.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]


def named(heading: str) -> set[str]:
    return {name for cell in rows(heading) for name in re.findall(r"`([\w-]+)`", cell)}


def test_every_field_is_documented_with_its_use() -> None:
    """docs/api.md has a row for each field, under what becomes of it."""
    section = DOCS.read_text().partition("\n## Fields of the request\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            _, names, use, *_ = line.split("|")
            found |= dict.fromkeys(re.findall(r"`(\w+)`", names), use.strip())
    assert found == {field.name: field.use for field in fields_of(Caps())}


def test_every_option_and_header_is_documented() -> None:
    """Options of ours, and the headers of requests and replies."""
    assert named("Options of ours") == {
        name for option in options_of(Caps()) for name in (option.name, option.header)
    }
    headers = DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["headers"]
    assert set(headers) <= named("Headers of the reply")


def test_every_key_of_the_mux_object_is_documented() -> None:
    """Those of the decision are in docs/decision.md, ours here."""
    text = (DOCS.parent / "decision.md").read_text()
    ours = DOCS.read_text().partition("\n## The `mux` object\n")[2].partition("\n## ")[0]
    known = set(re.findall(r"`(\w+)`", text + ours))
    form = FORMS["ChatCompletion"]["properties"]["mux"]["properties"]
    assert set(form) <= known
    assert set(form["draws"]["items"]["properties"]) <= known


def test_every_status_is_documented() -> None:
    """docs/api.md has a row for each status that a client may get."""
    documented = {name for cell in rows("Errors") for name in re.findall(r"`(\d+)`", cell)}
    assert documented == set(DOCUMENT["components"]["responses"])


def test_every_status_of_the_server_is_described() -> None:
    """No reply of the API has a status that its description does not know."""
    server = Path(slm_mux.server.__file__).parent
    written = {
        status
        for path in [*server.glob("*.py"), *server.glob("wire/*.py")]
        for status in re.findall(
            r"\bstatus(?:_code)?(?:=|, kind, code = )([45]\d\d)\b", path.read_text()
        )
    }
    assert written
    assert written <= set(DOCUMENT["components"]["responses"])
    for method in DOCUMENT["paths"].values():
        for status in ("400", "405", "421", "500", "503"):
            assert all(status in operation["responses"] for operation in method.values())
    assert "403" in DOCUMENT["paths"]["/v1/chat/completions"]["post"]["responses"]


def test_every_cap_is_documented_with_its_default() -> None:
    """docs/api.md gives each limit on a request."""
    section = DOCS.read_text().partition("\n## Limits of a request\n")[2].partition("\n## ")[0]
    found = dict(re.findall(r"^\| `(\w+)` \| ([\w,]+)", section, re.MULTILINE))
    defaults = {name: getattr(Caps(), name) for name in Caps.__struct_fields__}
    assert found == {
        name: str(value).lower() if isinstance(value, bool) else f"{value:,}"
        for name, value in defaults.items()
    }
