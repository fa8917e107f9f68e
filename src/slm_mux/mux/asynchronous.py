"""`AsyncMux`: ask a pool one question, get the most self-consistent answer."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from msgspec.structs import replace

from slm_mux.answers.prompt import prompt_messages
from slm_mux.discussion.workflows import WORKFLOWS
from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Member, Pool
from slm_mux.mux.discussing import Wanted, discussed, reader_of, workflow_for
from slm_mux.mux.methods import (
    DEFAULT_METHOD,
    check_can_be_discussed,
    check_fits,
    draws_of,
    method_named,
)
from slm_mux.mux.pooled_vote import by_pooled_vote
from slm_mux.questions import KindRequest, check_options, understand
from slm_mux.readers import WITHOUT_STYLE, Readers
from slm_mux.sampling.advice import plan_warnings, reply_warnings
from slm_mux.sampling.events import Observer, QuestionPlanned
from slm_mux.sampling.outcome import decision_of, fallen_back
from slm_mux.sampling.overrides import Overrides
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.reading import read_as_text
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.types import Decision, Message, Stopping


class AsyncMux:
    """A pool that answers questions: each model several times, the most self-consistent wins.

    Any number of questions may be asked at once; each endpoint's limits hold across all of them.

    Args:
        pool: the models. `async with` closes their connections and frees embedded models.
        sampler: draws for it, in one event loop only, where several share one; it then retries as
            that one does. One of its own, in each event loop, by default.
    """

    def __init__(self, pool: Pool, *, sampler: Sampler | None = None) -> None:
        if not isinstance(pool, Pool):
            raise InvalidRequestError(
                "a mux is made of a Pool: Pool.load(path), or Pool.of(model, model)"
            )
        self.pool = pool
        self._shared = sampler
        self._sampler: Sampler | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers = Readers()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every model and every worker. The mux may be used again.

        Raises:
            ExceptionGroup: some of them could not be closed; the others are.
        """
        self._sampler = None
        closing = [asyncio.to_thread(self._readers.close)]
        closing += [member.model.aclose() for member in self.pool]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if errors:
            raise ExceptionGroup("closing failed", errors)

    async def ask(
        self,
        question: str | Sequence[Message],
        *,
        method: str = DEFAULT_METHOD,
        kind: KindRequest = "auto",
        choices: Mapping[str, str] | None = None,
        labels: Sequence[str] = (),
        samples: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
        stopping: Stopping | None = None,
        seed: int | None = None,
        task: str | None = None,
        fall_back_to_text: bool = False,
        observe: Observer | None = None,
    ) -> Decision:
        """Ask the pool: by default every model several times, believing the most self-consistent.

        Args:
            question: a text, or a conversation that ends with a user's message or, with tools, with
                the result of one.
            method: mux; or what it is compared with: single, self_consistency, agent_forest, and,
                where models read each other, debate, mixture_of_agents (moa),
                multi_agent_verification (mav) and universal_self_consistency (usc), with the
                settings that the pool file has below `methods`. The latter take no tools.
            kind: the form of the answer; "auto" decides it from the question alone. "tool_call"
                compares calls of the tools that `extra` gives.
            choices: for a multiple choice, the text of each label.
            labels: for a classification, the labels.
            samples: k, draws per model, >= 1; the pool's by default. Self-consistency makes as many
                draws of one model as mux does of all. Not for methods in which models read each
                other, and for single 1.
            temperature: 0 to 10; each model's own by default.
            top_p: above 0, at most 1; each model's own by default.
            max_tokens: per draw, >= 1; each model's own by default.
            stop: texts that end a draw, beside each model's own.
            extra: further fields of every request's body, `tools` or `response_format` for
                instance; each comes before a model's own of that name. Not model, messages, n,
                seed and stream, nor what is an option here.
            stopping: "eager", "frugal" or "none"; the pool's by default. Agent Forest, and methods
                in which models read each other, always make all draws: "none", or leave it out.
            seed: the pool's by default. With "none" and "frugal" the same seed gives the same
                decision wherever the endpoints give the same completions.
            task: whose validation accuracies break ties; their default by default.
            fall_back_to_text: where "auto" chose a kind in which no completion can be read, compare
                the completions as texts; `kind_reason` says so. Those that were cut off are
                compared only where no other can be, and then also where the kind "text" was given.
            observe: told of everything that happens, as it happens.

        Raises:
            InvalidRequestError: the question or an option cannot be served as given, or the pool
                cannot do the method.
            PoolError: the pool file's settings of the method are wrong.
            NoAnswerError: no model gave a readable answer; lists each model's reason.
            SandboxError: a model is asked for programs, and none can be run safely here.
        """
        method = method_named(method)
        check_options(
            samples=samples,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            stop=stop,
            extra=extra,
            stopping=stopping,
            seed=seed,
        )
        check_fits(method, samples=samples, stopping=stopping)
        # Before anything is asked: the pool file's own settings may be wrong.
        workflow = workflow_for(self.pool, method) if method in WORKFLOWS else None
        asked = understand(question, kind=kind, choices=choices, labels=labels, extra=extra)
        if workflow is not None:
            check_can_be_discussed(method, asked)
        draws = [] if workflow else draws_of(self.pool, method, samples=samples, task=task)
        members = self.pool.members if workflow else [member for member, _ in draws]
        if asked.kind not in WITHOUT_STYLE and any(m.style == "program" for m in members):
            # Before anything is paid for that could not be read.
            await asyncio.to_thread(_check_sandbox)
        wanted = Wanted(
            asked=asked,
            overrides=Overrides(
                temperature=temperature,
                top_p=top_p,
                max_tokens=max_tokens,
                stop=tuple(stop or ()),
                extra=dict(extra or {}),
            ),
            seed=self.pool.seed if seed is None else seed,
            task=task,
            # A form that somebody asked for stays; half a text is still a text.
            falls_back=fall_back_to_text and (asked.kind_reason is not None or kind == "text"),
        )
        sampler = self._sampler_here()
        if workflow is not None:
            return await discussed(
                workflow, wanted, self.pool, self._readers, sampler=sampler, observe=observe
            )
        plans = [self._plan(member, k, wanted) for member, k in draws]
        if observe:
            drawers = tuple(plan.drawer for plan in plans)
            observe(QuestionPlanned(asked.kind, asked.kind_reason, drawers))
        how = "none" if method == "agent_forest" else stopping or self.pool.stopping
        tally, usage = await sampler.draw(plans, stopping=how, observe=observe)
        models = [plan.model for plan in plans]
        warnings = [*plan_warnings(plans), *reply_warnings(models, tally)]
        name, reason = asked.kind, asked.kind_reason
        if wanted.falls_back and not tally.has_answer:
            readers = {m.name: self._readers.of("text", style=m.style) for m in self.pool}
            texts, note = await read_as_text(tally, readers)
            if texts.has_answer:
                tally, name, reason = texts, "text", fallen_back(name, reason, note)
        decision = decision_of(tally, kind=name, kind_reason=reason, usage=usage, warnings=warnings)
        if method == "agent_forest":
            decision = by_pooled_vote(decision, tally)
        return replace(decision, method=method)

    def _sampler_here(self) -> Sampler:
        """The sampler of the running event loop: limiters wait in one loop only."""
        if self._shared is not None:
            return self._shared
        loop = asyncio.get_running_loop()
        if self._sampler is None or self._loop is not loop:
            self._loop = loop
            self._sampler = Sampler(RetryPolicy(total_seconds=self.pool.retry_seconds))
        return self._sampler

    def _plan(self, member: Member, k: int, wanted: Wanted) -> Plan:
        asked = wanted.asked
        reader = reader_of(asked, member, self._readers)
        problem = problem_id(asked.conversation)
        return Plan(
            model=member.model,
            messages=prompt_messages(
                asked.conversation, reader, choices=asked.choices, system=member.system
            ),
            generation=wanted.overrides.over(member.generation),
            seeds=tuple(draw_seed(wanted.seed, member.name, problem, draw) for draw in range(k)),
            validation_accuracy=member.accuracy_on(wanted.task),
            kind=reader,
        )


def _check_sandbox() -> None:
    from slm_mux.sandbox import shared_sandbox

    shared_sandbox().check()
