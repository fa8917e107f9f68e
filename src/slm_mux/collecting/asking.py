"""How a member of a pool is asked a problem: the prompt, the plan, and the samples' address."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.answers.base import AnswerKind
from slm_mux.answers.prompt import prompt_messages
from slm_mux.models.base import Generation, identity_of
from slm_mux.models.pool import Member
from slm_mux.readers import Readers
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.store.rows import Series
from slm_mux.types import Problem, Style


class Settings(Struct, frozen=True, kw_only=True):
    """What a command sets over the pool file; None leaves it to that."""

    samples: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None

    def generation_of(self, member: Member) -> Generation:
        """The member's generation settings with these over them."""
        given: dict[str, Any] = {
            name: value
            for name in ("temperature", "max_tokens")
            if (value := getattr(self, name)) is not None
        }
        return replace(member.generation, **given)


class Asking(Struct, frozen=True, kw_only=True):
    """One member asked one problem."""

    problem: Problem
    plan: Plan
    """Without a kind: what is collected need not be read at once."""
    series: Series
    kind: AnswerKind


def asking(
    member: Member,
    problem: Problem,
    *,
    k: int,
    seed: int,
    settings: Settings,
    readers: Readers,
    task: str | None = None,
    identity: str | None = None,
) -> Asking:
    """Work out what a member is asked, and where its samples belong.

    Args:
        member: who.
        problem: what.
        k: draws, >= 1.
        seed: what the draws' own seeds derive from.
        settings: over the member's own.
        readers: of answer kinds.
        task: whose validation accuracies rank the member.
        identity: of the member's model, where many problems share it; None to look it up.
    """
    kind = readers.of_problem(problem, member.style)
    conversation = ({"role": "user", "content": problem.question},)
    messages = prompt_messages(conversation, kind, choices=problem.choices, system=member.system)
    generation = settings.generation_of(member)
    series = Series(
        member=member.name,
        identity=identity_of(member.model) if identity is None else identity,
        messages=messages,
        settings=settings_document(generation, member.style),
        seed=seed,
    )
    # The same question asked by hand has the same seeds.
    name = problem_id(conversation)
    plan = Plan(
        model=member.model,
        messages=messages,
        generation=generation,
        seeds=tuple(draw_seed(seed, member.name, name, draw) for draw in range(k)),
        validation_accuracy=member.accuracy_on(task),
        address=series.digest,
    )
    return Asking(problem=problem, plan=plan, series=series, kind=kind)


def settings_document(generation: Generation, style: Style) -> dict[str, Any]:
    """The settings that are set, as they go into a sample's address.

    The style is among them, unless it is words, so that who finds the samples can read them.
    """
    document: dict[str, Any] = {
        name: value
        for name in ("temperature", "top_p", "max_tokens")
        if (value := getattr(generation, name)) is not None
    }
    if generation.stop:
        document["stop"] = list(generation.stop)
    if generation.extra:
        document["extra"] = generation.extra
    if style != "words":
        document["style"] = style
    return document
