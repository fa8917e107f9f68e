"""What litellm does with a server whose models can do all; its address is the argument."""

import asyncio
import json
import sys
from typing import Any

import litellm
from pydantic import BaseModel


class Person(BaseModel):
    """What a JSON reply is read into."""

    name: str
    born: int


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    },
}
litellm.suppress_debug_info = True
ASKED = [{"role": "user", "content": "What is 17 * 6?"}]
COMMON: dict[str, Any] = {
    "model": "openai/mux",
    "api_base": f"{sys.argv[1]}/v1",
    "api_key": "none",
    "temperature": 0,
    "num_retries": 0,
}

whole = litellm.completion(messages=ASKED, **COMMON)
assert "102" in whole.choices[0].message.content, whole
assert whole.usage.completion_tokens > 0, whole

stream = litellm.completion(
    messages=ASKED, stream=True, stream_options={"include_usage": True}, **COMMON
)
chunks = list(stream)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert "102" in text, text
assert litellm.stream_chunk_builder(chunks).usage.completion_tokens > 0, chunks

called = litellm.completion(messages=ASKED, tools=[WEATHER], tool_choice="auto", **COMMON)
(call,) = called.choices[0].message.tool_calls
assert called.choices[0].finish_reason == "tool_calls", called
assert json.loads(call.function.arguments) == {"city": "Paris", "days": 2}, call
result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
answered = litellm.completion(
    messages=[*ASKED, called.choices[0].message, result], tools=[WEATHER], **COMMON
)
assert answered.choices[0].message.content == "The tool says: rain", answered

parsed = litellm.completion(messages=ASKED, response_format=Person, **COMMON)
assert Person.model_validate_json(parsed.choices[0].message.content).born == 1815, parsed

later = asyncio.run(litellm.acompletion(messages=ASKED, **COMMON))
assert "102" in later.choices[0].message.content, later

said = ""
try:
    litellm.completion(messages=ASKED, **{**COMMON, "model": "openai/mux@nowhere"})
except litellm.exceptions.NotFoundError as error:
    said = str(error)
assert "nowhere" in said, said
sys.stdout.write("all is well\n")
