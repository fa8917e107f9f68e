"""Options of ours stand in the body's `mux` object or in headers."""

import json
from typing import Any

import pytest

from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import RefusedError
from slm_mux.server.wire.options import options_of
from slm_mux.server.wire.request import parse_chat
from tests.server.wire.asking import body, parsed, refusal

CHOICES = {"A": "Graz", "B": "Linz"}


def test_the_body_sets_every_option() -> None:
    """Each is in the request as it was given."""
    mux = {
        "kind": "choice",
        "samples": 5,
        "stopping": "frugal",
        "choices": CHOICES,
        "detail": "draws",
    }
    ask = parsed(mux=mux)
    assert {name: getattr(ask, name) for name in mux} == mux
    assert parsed(mux={"labels": ["a", "b"]}).labels == ("a", "b")


@pytest.mark.parametrize(
    ("header", "text", "name", "value"),
    [
        ("X-Mux-Set-Kind", "number", "kind", "number"),
        ("x-mux-set-samples", " 5 ", "samples", 5),
        ("X-MUX-SET-STOPPING", "none", "stopping", "none"),
        ("X-Mux-Set-Choices", '{"A": "Graz", "B": "Linz"}', "choices", CHOICES),
        ("X-Mux-Set-Labels", "yes, no", "labels", ("yes", "no")),
        ("X-Mux-Set-Labels", '["a, b", "c"]', "labels", ("a, b", "c")),
        ("X-Mux-Set-Labels", "großartig".encode().decode("latin-1"), "labels", ("großartig",)),
        ("X-Mux-Set-Detail", "summary", "detail", "summary"),
    ],
)
def test_a_header_sets_an_option(header: str, text: str, name: str, value: Any) -> None:
    """In any spelling of its name; lists with commas or as JSON, objects as JSON."""
    assert getattr(parsed(headers={header: text}), name) == value


def test_every_option_has_a_header() -> None:
    """What the body can set, a header can."""
    texts = {
        "kind": "text",
        "samples": "1",
        "stopping": "eager",
        "choices": "{}",
        "labels": "[]",
        "detail": "votes",
    }
    assert {option.name for option in options_of(Caps())} == set(texts)
    for option in options_of(Caps()):
        assert parsed(headers={option.header: texts[option.name]}).options == (option.name,)


def test_the_body_is_followed_where_both_say_something() -> None:
    """The reply warns of it, unless they say the same."""
    ask = parsed(mux={"samples": 5}, headers={"X-Mux-Set-Samples": "7"})
    assert ask.samples == 5
    assert ask.warnings == (
        "the header X-Mux-Set-Samples and the body's mux.samples differ: the body was followed",
    )
    assert parsed(mux={"samples": 5}, headers={"X-Mux-Set-Samples": "5"}).warnings == ()


@pytest.mark.parametrize(
    ("header", "text", "words"),
    [
        ("X-Mux-Set-Sample", "5", "did you mean 'samples'?"),
        ("X-Mux-Set-Url", "http://evil", "there is no option of ours for the header"),
        ("X-Mux-Set-Samples", "five", "must be a whole number"),
        ("X-Mux-Set-Samples", "null", "must be a whole number"),
        ("X-Mux-Set-Samples", "", "must be a whole number"),
        ("X-Mux-Set-Samples", "5.5", "must be a whole number"),
        ("X-Mux-Set-Samples", "1000", "must be at most 32"),
        ("X-Mux-Set-Kind", "code", "must be one of auto, number"),
        ("X-Mux-Set-Choices", "A", "must be JSON"),
        ("X-Mux-Set-Choices", "[1]", "must be an object"),
        ("X-Mux-Set-Choices", "[" * 9000, "must be JSON"),
        ("X-Mux-Set-Labels", "[1]", "must be a text"),
    ],
)
def test_a_header_that_says_nothing_known_is_refused(header: str, text: str, words: str) -> None:
    """The error is a 400 that names the header."""
    reply = refusal(headers={header: text})
    assert reply.status == 400
    assert str(reply.param).startswith(header)
    assert words in reply.message


def test_a_header_stands_once() -> None:
    """Which of two would be meant cannot be known."""
    headers = [("X-Mux-Set-Samples", "2"), ("x-mux-set-samples", "3")]
    with pytest.raises(RefusedError, match="is given twice"):
        parse_chat(json.dumps(body()).encode(), headers, Caps())


@pytest.mark.parametrize(
    ("mux", "param"),
    [
        ([], "mux"),
        ({"kind": "tool_call"}, "mux.kind"),
        ({"kind": "code"}, "mux.kind"),
        ({"samples": 0}, "mux.samples"),
        ({"samples": 33}, "mux.samples"),
        ({"samples": True}, "mux.samples"),
        ({"stopping": "soon"}, "mux.stopping"),
        ({"choices": {"A": 1}}, "mux.choices.A"),
        ({"choices": {str(n): "x" for n in range(257)}}, "mux.choices"),
        ({"choices": {str(n): "x" * 500 for n in range(50)}}, "mux.choices"),
        ({"labels": ["x" * 1000] * 21}, "mux.labels"),
        ({"labels": "yes"}, "mux.labels"),
        ({"labels": [""]}, "mux.labels[0]"),
        ({"detail": "all"}, "mux.detail"),
        ({"model": "phi"}, "mux.model"),
    ],
)
def test_an_option_of_another_form_is_refused(mux: Any, param: str) -> None:
    """The error is a 400 that names the option."""
    reply = refusal(mux=mux)
    assert (reply.status, reply.param) == (400, param)
