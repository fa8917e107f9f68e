"""The form: what it sends is the API's request, and nothing else is taken."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.server.page.asking import check_sender
from slm_mux.server.page.form import FIELDS, Form, field_of, fields_in
from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import RefusedError
from slm_mux.server.wire.request import parse_chat


def test_a_form_is_the_request_that_it_stands_for() -> None:
    """Every field reaches the API's parser under the API's name."""
    form = Form(
        question="What?",
        pool="small",
        method="agent_forest",
        kind="label",
        samples="5",
        stopping="none",
        temperature="0,5",
        max_tokens="64",
        labels="yes\n\n no ",
    )
    ask = parse_chat(form.body(), (), Caps())
    assert ask.model == "mux@small+agent_forest"
    assert ask.conversation == ({"role": "user", "content": "What?"},)
    assert (ask.kind, ask.samples, ask.stopping) == ("label", 5, "none")
    assert (ask.temperature, ask.max_tokens, ask.labels) == (0.5, 64, ("yes", "no"))
    assert ask.detail == "draws"
    blank = parse_chat(Form(question="What?").body(), (), Caps())
    assert (blank.model, blank.kind, blank.samples, blank.stopping) == ("mux", None, None, None)


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_a_form_sends_is_read_back(fields: dict[str, str]) -> None:
    """All but the spelling of line ends."""
    read = fields_in(urlencode(fields).encode())
    assert read == {
        name: value.replace("\r\n", "\n").replace("\r", "\n") for name, value in fields.items()
    }
    Form(**read)


@pytest.mark.parametrize(
    "body", [b"question=a&question=b", b"other=1", b"question=%ff", b"\xff=1", b"a=1&" * 100]
)
def test_what_no_form_sends_is_refused(body: bytes) -> None:
    """Fields twice, unknown ones, what is not UTF-8, and too many."""
    with pytest.raises(RefusedError) as refused:
        fields_in(body)
    assert refused.value.reply.status == 400


@pytest.mark.parametrize(
    ("field", "value"), [("samples", "two"), ("temperature", "warm"), ("max_tokens", "1.5")]
)
def test_a_number_that_is_none_names_its_field(field: str, value: str) -> None:
    """The error leads to the field that is wrong."""
    with pytest.raises(RefusedError) as refused:
        Form(question="What?", **{field: value}).body()
    assert field_of(refused.value.reply) == field


def test_errors_of_the_parser_name_the_field_too() -> None:
    """What the API refuses is shown where it was filled in."""
    for form, field in (
        (Form(question="What?", samples="999"), "samples"),
        (Form(question="What?", temperature="3"), "temperature"),
        (Form(question="What?", kind="poem"), "kind"),
    ):
        with pytest.raises(RefusedError) as refused:
            parse_chat(form.body(), (), Caps())
        assert field_of(refused.value.reply) == field
    body = json.loads(Form(question="a\u0000b").body())
    assert body["messages"][0]["content"] == "a\u0000b"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://h:1"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "http://h:1"}, True),
        ({"origin": "https://h:1"}, True),
        ({"origin": "http://h:2"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://[::1"}, False),
        ({"origin": ""}, False),
    ],
)
def test_only_the_own_page_may_send_a_form(headers: dict[str, str], own: bool) -> None:
    """What a browser says of the sender decides; what is no browser says nothing."""
    sent = {"host": "h:1"} | headers
    scope = {"headers": [(k.encode(), v.encode()) for k, v in sent.items()]}
    if own:
        check_sender(scope)
    else:
        with pytest.raises(RefusedError) as refused:
            check_sender(scope)
        assert refused.value.reply.status == 403
