"""A member that is asked by its own name: that model alone, and nothing is compared."""

from msgspec import Struct

from slm_mux.answers import make_kind
from slm_mux.answers.prompt import prompt_messages
from slm_mux.errors import NoAnswerError
from slm_mux.questions import check_options, understand
from slm_mux.sampling.events import Observer
from slm_mux.sampling.overrides import Overrides
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.server.rosters import ServedPool
from slm_mux.server.wire.request import ChatAsk
from slm_mux.types import Completion, Sample, Usage


class Forwarded(Struct, frozen=True, kw_only=True):
    """What a member answered."""

    completions: tuple[Completion, ...]
    """At least one, at most n."""
    usage: Usage


async def forward(
    served: ServedPool, member_name: str, ask: ChatAsk, *, observe: Observer
) -> Forwarded:
    """Ask one member: the client's settings over its own, its own prompt before the client's.

    Args:
        served: its pool.
        member_name: its name.
        ask: the request, settled for this name.
        observe: told of everything that happens.

    Raises:
        NoAnswerError: no completion came.
        InvalidRequestError: the request cannot be sent.
    """
    check_options(
        temperature=ask.temperature,
        top_p=ask.top_p,
        max_tokens=ask.max_tokens,
        stop=ask.stop,
        extra=ask.extra,
        seed=ask.seed,
    )
    asked = understand(ask.conversation, kind="tool_call" if ask.tools else "text", extra=ask.extra)
    member = served.member(member_name)
    overrides = Overrides(
        temperature=ask.temperature,
        top_p=ask.top_p,
        max_tokens=ask.max_tokens,
        stop=ask.stop or (),
        extra=ask.extra,
    )
    seed = served.pool.seed if ask.seed is None else ask.seed
    problem = problem_id(asked.conversation)
    plan = Plan(
        model=member.model,
        # The kind text asks for no form: the client's words go as they are.
        messages=prompt_messages(asked.conversation, make_kind("text"), system=member.system),
        generation=overrides.over(member.generation),
        seeds=tuple(draw_seed(seed, member.name, problem, draw) for draw in range(ask.n)),
    )
    tally, usage = await served.sampler.draw([plan], stopping="none", observe=observe)
    samples: list[Sample] = list(tally)
    completions = tuple(s.completion for s in samples if s.completion is not None)
    if not completions:
        messages = dict.fromkeys(s.failure.message for s in samples if s.failure is not None)
        raise NoAnswerError({member.name: "; ".join(messages)})
    return Forwarded(completions=completions, usage=usage)
