"""Schemas on which the engine in this process would stand still are not given to it."""

from typing import Any

import pytest

from slm_mux.errors import RequestRefusedError
from slm_mux.models.base import Generation, Request
from slm_mux.models.embedded import EmbeddedModel
from slm_mux.models.grammar_limits import LONGEST, schema_problem


def asked_for(schema: Any) -> dict[str, Any]:
    """The further fields of a request for a schema."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    return {"response_format": form}


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("^[a-z]{1,1000}$", True),
        ("^([a-z]?){0,100}$", True),
        ("^(a|b)*$", True),
        ("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", True),
        ("^([0-9]{1,3}[.]){3}[0-9]{1,3}$", True),
        ("^([a-z]?){0,900}$", False),
        ("^([a-z]?){900}$", False),
        ("^([a-z]?){900,}$", False),
        ("^(([a-z]?){0,30}){0,30}$", False),
        ("^((((a{0,1000}){0,1000}){0,1000}))$", False),
        ("^(a){" + "9" * 10_000 + "}$", False),
    ],
)
def test_patterns(pattern: str, taken: bool) -> None:
    """Repeated groups count, wherever in the schema the pattern stands."""
    inner = {"type": "object", "properties": {"a": {"anyOf": [{"pattern": pattern}]}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": inner}}
    assert (schema_problem(asked_for(inner)) is None) is taken
    assert (schema_problem({"tools": [tool]}) is None) is taken
    assert schema_problem({"other": inner}) is None


def test_what_is_no_json() -> None:
    """It is said, not raised."""
    assert "cannot be written" in str(schema_problem(asked_for({"enum": ["\ud800"]})))
    assert "cannot be written" in str(schema_problem(asked_for(object())))


async def test_what_is_too_much_is_refused_before_the_model_is_loaded() -> None:
    """With the reason, which clients are told; nothing is fetched for it."""
    model = EmbeddedModel("m", gguf="no-such.gguf")
    extra = asked_for({"enum": ["x" * LONGEST]})
    with pytest.raises(RequestRefusedError, match="at most 20,000") as raised:
        await model.complete(Request(messages=(), generation=Generation(extra=extra)))
    assert raised.value.said in str(raised.value)
    assert not model.engine.loaded
