"""A task of Inspect AI: a question that needs a tool."""

# mypy: disable-error-code="untyped-decorator"

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import Tool, tool


@tool
def weather() -> Tool:
    """Make the tool."""

    async def execute(city: str, days: int) -> str:
        """Tell the weather.

        Args:
            city: where.
            days: for how long.
        """
        return f"rain in {city} for {days} days"

    return execute


@task
def forecast() -> Task:
    """Score whether the tool's words are in the answer."""
    return Task(
        dataset=[Sample(input="How will the weather be?", target="rain in Paris for 2 days")],
        solver=[use_tools(weather()), generate()],
        scorer=includes(),
    )
