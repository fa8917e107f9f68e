"""SLM-MUX: several small language models answer, the most self-consistent one is believed.

    from slm_mux import Mux, Pool

    with Mux(Pool.load("pool.yaml")) as mux:
        decision = mux.ask("What is 17 * 6?", kind="number")

The method is Algorithm 1 of arXiv 2510.05077. Names are imported on first use, so that importing
the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slm_mux.documents import decision_document
    from slm_mux.errors import (
        AuthenticationError,
        BadReplyError,
        ConnectionLostError,
        EmbeddedEngineError,
        HashMismatchError,
        InvalidRequestError,
        ModelError,
        ModelNotFoundError,
        NoAnswerError,
        PermanentError,
        PoolError,
        QuotaExhaustedError,
        RateLimitError,
        RequestRefusedError,
        RequestTimeoutError,
        SandboxError,
        ServerFaultError,
        SlmMuxError,
        StoreError,
        TaskDataError,
        TransientError,
        WeightsError,
    )
    from slm_mux.methods import summarise
    from slm_mux.models.base import Generation, Limits, Model, Request
    from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
    from slm_mux.models.endpoint import Endpoint
    from slm_mux.models.openai import OpenAIModel
    from slm_mux.models.pool import Member, Pool
    from slm_mux.models.scripted import ScriptedModel
    from slm_mux.mux import AsyncMux, Mux
    from slm_mux.sampling.events import (
        AnswerSettled,
        DiscussionPlanned,
        QuestionPlanned,
        RequestRetried,
        RequestSent,
        SampleDrawn,
        TurnAsked,
        TurnTaken,
    )
    from slm_mux.store import Store
    from slm_mux.table import VoteTable
    from slm_mux.tasks import Task, TaskOptions, load_task
    from slm_mux.types import (
        Answer,
        ClassCount,
        CodeSpec,
        Completion,
        Decision,
        DiscussionRecord,
        Failure,
        Missing,
        ModelIssue,
        Problem,
        Sample,
        ToolCall,
        TurnRecord,
        Usage,
        Vote,
    )
    from slm_mux.voting import decide, vote

_HOME = {
    "Answer": "types",
    "AnswerSettled": "sampling.events",
    "AsyncMux": "mux",
    "AuthenticationError": "errors",
    "BadReplyError": "errors",
    "ClassCount": "types",
    "CodeSpec": "types",
    "Completion": "types",
    "ConnectionLostError": "errors",
    "Decision": "types",
    "DiscussionPlanned": "sampling.events",
    "DiscussionRecord": "types",
    "EmbeddedEngine": "models.embedded",
    "EmbeddedEngineError": "errors",
    "EmbeddedModel": "models.embedded",
    "Endpoint": "models.endpoint",
    "Failure": "types",
    "Generation": "models.base",
    "HashMismatchError": "errors",
    "InvalidRequestError": "errors",
    "Limits": "models.base",
    "Member": "models.pool",
    "Missing": "types",
    "Model": "models.base",
    "ModelError": "errors",
    "ModelIssue": "types",
    "ModelNotFoundError": "errors",
    "Mux": "mux",
    "NoAnswerError": "errors",
    "OpenAIModel": "models.openai",
    "PermanentError": "errors",
    "Pool": "models.pool",
    "PoolError": "errors",
    "Problem": "types",
    "QuestionPlanned": "sampling.events",
    "QuotaExhaustedError": "errors",
    "RateLimitError": "errors",
    "Request": "models.base",
    "RequestRefusedError": "errors",
    "RequestRetried": "sampling.events",
    "RequestSent": "sampling.events",
    "RequestTimeoutError": "errors",
    "Sample": "types",
    "SampleDrawn": "sampling.events",
    "SandboxError": "errors",
    "ScriptedModel": "models.scripted",
    "ServerFaultError": "errors",
    "SlmMuxError": "errors",
    "Store": "store",
    "StoreError": "errors",
    "Task": "tasks",
    "TaskDataError": "errors",
    "TaskOptions": "tasks",
    "TransientError": "errors",
    "ToolCall": "types",
    "TurnAsked": "sampling.events",
    "TurnRecord": "types",
    "TurnTaken": "sampling.events",
    "Usage": "types",
    "Vote": "types",
    "VoteTable": "table",
    "WeightsError": "errors",
    "decide": "voting",
    "decision_document": "documents",
    "load_task": "tasks",
    "summarise": "methods",
    "vote": "voting",
}

__all__ = [
    "Answer",
    "AnswerSettled",
    "AsyncMux",
    "AuthenticationError",
    "BadReplyError",
    "ClassCount",
    "CodeSpec",
    "Completion",
    "ConnectionLostError",
    "Decision",
    "DiscussionPlanned",
    "DiscussionRecord",
    "EmbeddedEngine",
    "EmbeddedEngineError",
    "EmbeddedModel",
    "Endpoint",
    "Failure",
    "Generation",
    "HashMismatchError",
    "InvalidRequestError",
    "Limits",
    "Member",
    "Missing",
    "Model",
    "ModelError",
    "ModelIssue",
    "ModelNotFoundError",
    "Mux",
    "NoAnswerError",
    "OpenAIModel",
    "PermanentError",
    "Pool",
    "PoolError",
    "Problem",
    "QuestionPlanned",
    "QuotaExhaustedError",
    "RateLimitError",
    "Request",
    "RequestRefusedError",
    "RequestRetried",
    "RequestSent",
    "RequestTimeoutError",
    "Sample",
    "SampleDrawn",
    "SandboxError",
    "ScriptedModel",
    "ServerFaultError",
    "SlmMuxError",
    "Store",
    "StoreError",
    "Task",
    "TaskDataError",
    "TaskOptions",
    "ToolCall",
    "TransientError",
    "TurnAsked",
    "TurnRecord",
    "TurnTaken",
    "Usage",
    "Vote",
    "VoteTable",
    "WeightsError",
    "decide",
    "decision_document",
    "load_task",
    "summarise",
    "vote",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
