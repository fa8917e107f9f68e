"""Requests, and the errors they end in, for the tests of models."""

from typing import Any

import pytest

from slm_mux.errors import ModelError
from slm_mux.models.base import Generation, Request
from slm_mux.models.openai import OpenAIModel
from tests.endpoints import Behaviour, FakeEndpoint, serving

HELLO = ({"role": "user", "content": "What is 6 * 7?"},)


def ask(n: int = 1, seed: int | None = None, **generation: Any) -> Request:
    """Make a request for HELLO with these settings."""
    return Request(messages=HELLO, generation=Generation(**generation), n=n, seed=seed)


def model_at(fake: FakeEndpoint, **options: Any) -> OpenAIModel:
    """Make a model of a fake endpoint."""
    return OpenAIModel("qwen", url=fake.url, model="qwen2.5:7b", **options)


async def fault(behaviour: Behaviour, *, n: int = 1, **options: Any) -> ModelError:
    """Return the error that one request to an endpoint behaving like this ends in."""
    async with serving() as fake:
        fake.then(behaviour)
        model = model_at(fake, draws_at_once=True, **options)
        try:
            with pytest.raises(ModelError) as caught:
                await model.complete(ask(n, seed=1))
        finally:
            await model.aclose()
        assert fake.requests == 1
        assert caught.value.model == "qwen"
        assert str(caught.value).startswith(f"qwen ({fake.url}): ")
        assert len(str(caught.value)) < 700
        assert "\n" not in str(caught.value)
        return caught.value
