"""What LangChain does with a server whose models can do all; its address is the argument."""

# mypy: disable-error-code="untyped-decorator"

import asyncio
import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    born: int


@tool
def weather(city: str, days: int) -> str:
    """Tell the weather."""
    return f"rain in {city} for {days} days"


model = ChatOpenAI(
    model="mux", base_url=f"{sys.argv[1]}/v1", api_key="none", temperature=0, max_retries=0
)
asked = HumanMessage("What is 17 * 6?")

whole = model.invoke([asked])
assert "102" in whole.content, whole
assert whole.usage_metadata["output_tokens"] > 0, whole

chunks = list(model.stream([asked], stream_usage=True))
assert "102" in "".join(chunk.content for chunk in chunks), chunks
assert sum((chunk.usage_metadata or {}).get("output_tokens", 0) for chunk in chunks) > 0, chunks

bound = model.bind_tools([weather])
called = bound.invoke([asked])
(call,) = called.tool_calls
assert (call["name"], call["args"]) == ("weather", {"city": "Paris", "days": 2}), call
result = weather.invoke(call)
assert isinstance(result, ToolMessage), result
answered = bound.invoke([asked, called, result])
assert answered.content == "The tool says: rain in Paris for 2 days", answered

for method in ("json_schema", "json_mode"):
    person = model.with_structured_output(Person, method=method).invoke([asked])
    assert person.born == 1815, person

later = asyncio.run(model.ainvoke([asked]))
assert "102" in later.content, later
batch = model.batch([[asked], [asked]])
assert all("102" in reply.content for reply in batch), batch
sys.stdout.write("all is well\n")
