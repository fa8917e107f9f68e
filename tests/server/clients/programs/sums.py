"""A task of Inspect AI: sums from a local file."""

# mypy: disable-error-code="untyped-decorator"

from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import includes
from inspect_ai.solver import generate


@task
def sums() -> Task:
    """Score whether the answer has the sum."""
    fields = FieldSpec(input="question", target="answer")
    return Task(
        dataset=json_dataset("sums.jsonl", fields),
        solver=generate(),
        scorer=includes(),
        config=GenerateConfig(max_tokens=64, temperature=0),
    )
