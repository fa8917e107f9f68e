"""A decision becomes an ordinary chat completion, with one more object."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from slm_mux.documents import decision_document
from slm_mux.server.wire.forms import FORMS
from slm_mux.server.wire.logprobs import LEAST, logprobs_document
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.picks import Pick, picks, runners_up
from slm_mux.server.wire.reply import (
    Head,
    answer_headers,
    completion,
    fingerprint_of,
    finish_reason,
    mux_object,
)
from slm_mux.server.wire.schema import check
from slm_mux.types import Completion, ToolCall, Usage
from tests.server.wire.asking import TOOL, decided, drawn, parsed

HEAD = Head(id="chatcmpl-1f", created=7, model="mux", fingerprint="fp_0")
NAME = ModelName(pool="home")
DRAWS = [
    drawn("a", 0, "7"),
    drawn("a", 1, "9"),
    drawn("a", 2, "9"),
    drawn("b", 0, "8"),
    drawn("b", 1, "8"),
    drawn("b", 2, "8"),
    drawn("c", 0, "9"),
    drawn("c", 1, None),
    drawn("c", 2, "9"),
    drawn("d", 0, "5"),
    drawn("d", 1, "4"),
    drawn("d", 2, "3"),
]
DECISION = replace(
    decided(DRAWS),
    kind="number",
    text="b says 8",
    usage=Usage(samples=12, requests=12, prompt_tokens=120, completion_tokens=60),
)


def written(pick: Pick, **fields: Any) -> dict[str, Any]:
    """Write a reply of one choice, checked against its form; give the choice."""
    reply = completion(HEAD, parsed(**fields), [pick], usage=Usage())
    check(json.loads(json.dumps(reply)), FORMS["ChatCompletion"])
    choice: dict[str, Any] = reply["choices"][0]
    return choice


def test_the_reply_is_an_ordinary_completion() -> None:
    """It has the winner's text, the tokens of all draws, and what the client set in passing."""
    ask = parsed(metadata={"a": "b"}, service_tier="auto")
    picked = picks(DECISION, DRAWS)
    mux = mux_object(DECISION, ask, NAME, temperature_used=None, picked=picked)
    reply = completion(HEAD, ask, picked, usage=DECISION.usage, mux=mux)
    check(json.loads(json.dumps(reply)), FORMS["ChatCompletion"])
    assert reply == {
        "id": "chatcmpl-1f",
        "object": "chat.completion",
        "created": 7,
        "model": "mux",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "b says 8", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 60, "total_tokens": 180},
        "system_fingerprint": "fp_0",
        "service_tier": "default",
        "metadata": {"a": "b"},
        "mux": mux,
    }


def test_the_runners_up_are_distinct_answers_of_distinct_models() -> None:
    """They are in the order in which they would have won; what only repeats an answer is left."""
    assert [(other.model, other.answer) for other in runners_up(DECISION)] == [
        ("a", "9"),
        ("d", "5"),
    ]
    assert [pick.completion.text for pick in picks(DECISION, DRAWS, n=4)] == [
        "b says 8",
        "a says 9",
        "d says 5",
    ]
    assert [pick.answer for pick in picks(DECISION, DRAWS, n=2)] == ["8", "9"]


def test_the_better_record_comes_first_among_equals() -> None:
    """Equally confident runners-up stand by validation accuracy."""
    decision = decided(DRAWS, a=0.1, c=0.9)
    assert [other.model for other in runners_up(decision)] == ["c", "d"]


def test_each_pick_is_the_lowest_draw_of_its_answer() -> None:
    """In whatever order the draws came in."""
    picked = picks(DECISION, list(reversed(DRAWS)), n=2)
    assert picked[1].completion == DRAWS[1].completion


def test_draws_that_were_read_again_as_texts_are_found() -> None:
    """Where no number was found, the completions themselves were compared."""
    unread = [drawn("a", 0, None, "Hello there"), drawn("b", 0, None, "Bye")]
    as_texts = [drawn("a", 0, "hello there", "Hello there"), drawn("b", 0, "bye", "Bye")]
    decision = replace(decided(as_texts), kind="text")
    assert [pick.completion.text for pick in picks(decision, unread, n=2)] == ["Hello there", "Bye"]


def test_a_decision_without_its_draws_still_has_a_text() -> None:
    """The text is the decision's, else its answer."""
    assert picks(DECISION, [])[0].completion.text == "b says 8"
    assert picks(replace(DECISION, text=None), [])[0].completion.text == "8"


def test_fewer_choices_than_asked_for_are_explained() -> None:
    """Models that agree have no runner-up."""
    ask = parsed(n=4)
    picked = picks(DECISION, DRAWS, n=4)
    mux = mux_object(DECISION, ask, NAME, temperature_used=0.3, picked=picked)
    assert mux["warnings"] == [
        "4 choices were asked for, but the models gave only 3 distinct answers"
    ]


def test_the_mux_object_is_the_decision_and_what_the_server_did() -> None:
    """All keys of `slm-mux ask --json`, and those of the request."""
    mux = mux_object(DECISION, parsed(temperature=0), NAME, temperature_used=0.2)
    assert decision_document(DECISION).items() <= mux.items()
    assert {key: mux[key] for key in mux.keys() - decision_document(DECISION).keys()} == {
        "pool": "home",
        "asked_temperature": 0,
        "temperature_used": 0.2,
        "runners_up": [
            {"model": "a", "answer": "9", "canonical": "9", "confidence": 2 / 3},
            {"model": "d", "answer": "5", "canonical": "5", "confidence": 1 / 3},
        ],
    }


def test_the_detail_says_how_much_is_written() -> None:
    """A summary leaves out votes and text; draws adds every draw."""
    summary = mux_object(
        DECISION, parsed(mux={"detail": "summary"}), NAME, temperature_used=None, samples=DRAWS
    )
    assert {"votes", "text", "runners_up", "draws"}.isdisjoint(summary)
    full = mux_object(
        DECISION,
        parsed(mux={"detail": "draws"}),
        NAME,
        temperature_used=None,
        samples=reversed(DRAWS),
    )
    assert [(draw["model"], draw["draw"]) for draw in full["draws"]] == [
        (sample.model, sample.draw) for sample in DRAWS
    ]
    form = FORMS["ChatCompletion"]["properties"]["mux"]
    for document in (summary, full):
        check(json.loads(json.dumps(document)), form)


def test_the_mux_object_shows_no_addresses() -> None:
    """Warnings quote the names that endpoints gave their models."""
    decision = replace(DECISION, warnings=("see http://10.0.0.5/v1",))
    mux = mux_object(decision, parsed(), NAME, temperature_used=None)
    assert mux["warnings"] == ["see [address]"]


def test_draws_without_token_counts_are_said() -> None:
    """Sums that leave something out do not pass for whole ones."""
    decision = replace(DECISION, usage=Usage(samples=2, samples_without_usage=1))
    mux = mux_object(decision, parsed(), NAME, temperature_used=None)
    assert mux["warnings"] == [
        "the endpoints reported no tokens for 1 draw: `usage` leaves them out"
    ]


def test_a_call_is_a_proper_tool_call() -> None:
    """Without a text the content is null; a call without an id gets one that is its own."""
    calls = (
        ToolCall(id="x1", name="weather", arguments='{"city": "Graz"}'),
        ToolCall(name="time", arguments="{}"),
    )
    done = Completion(text="", finish_reason="stop", tool_calls=calls)
    choice = written(Pick(completion=done, answer="whatever"), tools=[TOOL])
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [
            {
                "id": "x1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Graz"}'},
            },
            {
                "id": "call_1f_0_1",
                "type": "function",
                "function": {"name": "time", "arguments": "{}"},
            },
        ],
    }


def test_a_json_reply_is_the_document_alone() -> None:
    """Who asks for JSON can parse the content, whatever stands around the document."""
    pick = Pick(completion=Completion(text='Sure:\n```json\n{"a": 1}\n```'), answer='{"a": 1}')
    asked = written(pick, response_format={"type": "json_object"})
    assert asked["message"]["content"] == '{"a": 1}'
    assert written(pick)["message"]["content"] == pick.completion.text
    alone = written(replace(pick, answer=None), response_format={"type": "json_object"})
    assert alone["message"]["content"] == pick.completion.text


def test_reasoning_has_a_field_of_its_own() -> None:
    """It stays apart from the text, as its endpoint gave it."""
    message = written(Pick(completion=Completion(text="102", reasoning="hm")))["message"]
    assert (message["content"], message["reasoning_content"]) == ("102", "hm")


@pytest.mark.parametrize(
    ("given", "called", "reason"),
    [
        ("stop", False, "stop"),
        ("length", False, "length"),
        ("content_filter", False, "content_filter"),
        (None, False, "stop"),
        ("eos", False, "stop"),
        ("max_tokens", False, "length"),
        ("tool_calls", False, "stop"),
        ("stop", True, "tool_calls"),
        ("length", True, "length"),
    ],
)
def test_the_reason_is_one_that_strict_clients_know(
    given: str | None, called: bool, reason: str
) -> None:
    """What endpoints say in their own words is said in OpenAI's."""
    calls = (ToolCall(name="f", arguments="{}"),) if called else ()
    assert finish_reason(Completion(text="", finish_reason=given, tool_calls=calls)) == reason


TOKEN = {"token": "1", "logprob": -0.5, "bytes": [49], "top_logprobs": [], "id": 3}


def test_log_probabilities_are_the_winner_s() -> None:
    """They are in the reply where they were asked for, in OpenAI's form."""
    done = Completion(text="1", logprobs={"content": [TOKEN]})
    expected = {
        "content": [{"token": "1", "logprob": -0.5, "bytes": [49], "top_logprobs": []}],
        "refusal": None,
    }
    assert written(Pick(completion=done), logprobs=True)["logprobs"] == expected
    assert written(Pick(completion=done))["logprobs"] is None


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {},
        "x",
        {"content": None},
        {"content": [{"token": "1"}]},
        {"content": [{"token": "1", "logprob": "low"}]},
        {"tokens": ["1"], "token_logprobs": [-1]},
    ],
)
def test_log_probabilities_of_another_form_are_left_out(given: Any) -> None:
    """A strict client would fail on them; the reply warns that there are none."""
    assert logprobs_document(given) is None
    decision = replace(DECISION, completion=Completion(text="1", logprobs=given))
    picked = picks(decision, DRAWS)
    mux = mux_object(decision, parsed(logprobs=True), NAME, temperature_used=None, picked=picked)
    assert mux["warnings"] == ["the winner's endpoint gave no log-probabilities"]


def test_an_impossible_token_can_be_written() -> None:
    """JSON has no infinity."""
    document = logprobs_document({"content": [{"token": "1", "logprob": float("-inf")}]})
    assert document is not None
    assert document["content"][0]["logprob"] == LEAST
    assert b"null" not in msgspec.json.encode(document["content"][0]["logprob"])


def test_headers_of_the_reply() -> None:
    """Confidence, winner and draws, in characters that a header can carry."""
    decision = replace(DECISION, model="größe 1\n", confidence=2 / 3)
    assert answer_headers(decision.model, decision.usage, confidence=decision.confidence) == {
        "X-Mux-Answer-Confidence": "0.6667",
        "X-Mux-Model": "gr%C3%B6%C3%9Fe 1%0A",
        "X-Mux-Samples": "12",
    }


def test_a_fingerprint_names_a_configuration() -> None:
    """Equal parts have equal names, in whatever order their keys stand."""
    assert fingerprint_of({"a": 1, "b": [2]}) == fingerprint_of({"b": [2], "a": 1})
    assert fingerprint_of({"a": 1}) != fingerprint_of({"a": 2})
