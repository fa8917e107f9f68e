"""No error, log record or representation shows a key."""

import logging
import traceback

import pytest

from slm_mux.errors import AuthenticationError, ModelError
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.openai import OpenAIModel
from tests.endpoints import (
    Behaviour,
    breaks_off,
    hangs_up,
    never_answers,
    raw,
    redirects,
    replies,
    serving,
    status,
)
from tests.models.asking import ask

KEY = "sk-proj-0123456789abcdef"


async def test_a_wrong_key() -> None:
    """A refused key names where the key comes from, and does not repeat it."""
    async with serving(key="another") as fake:
        model = OpenAIModel("qwen", url=fake.url, model="m", api_key=KEY)
        with pytest.raises(AuthenticationError) as caught:
            await model.complete(ask())
        await model.aclose()
    assert "Incorrect API key provided: Bearer [hidden]" in str(caught.value)
    assert "check the variable that api_key names" in str(caught.value)


@pytest.mark.parametrize(
    "behaviour",
    [
        status(400, message=f"you sent {KEY} and X-Team=red-0123456789"),
        status(401, message="x" * 285 + KEY),
        status(429, message=f"Bearer {KEY}"),
        status(500, message=f"token=red-0123456789&key={KEY}"),
        raw(f"<p>{KEY}</p>".encode(), "text/html"),
        raw(b"{}", f"text/{KEY}"),
        raw(b"?", f"text/{KEY}"),
        redirects(f"https://{KEY}.example/"),
        replies({"error": {"message": KEY, "type": KEY}}),
        replies({"choices": [{"message": KEY}]}),
        hangs_up(),
        breaks_off(KEY.encode()),
        never_answers(),
    ],
)
async def test_no_secret_is_shown(behaviour: Behaviour, caplog: pytest.LogCaptureFixture) -> None:
    """Neither messages, tracebacks, log records nor representations show a key or a header."""
    caplog.set_level(logging.DEBUG)
    secrets = (KEY, KEY[:12], "red-0123456789")
    options = {"api_key": KEY, "headers": {"X-Team": "red-0123456789"}, "timeout": 0.1}
    async with serving() as fake:
        fake.always = behaviour
        endpoint = Endpoint(fake.url, api_key=KEY)
        whole = OpenAIModel("qwen", url=fake.url, model="m", **options)  # type: ignore[arg-type]
        shared = OpenAIModel(
            "qwen",
            endpoint=endpoint,
            model="m",
            headers={"X-Team": "red-0123456789"},
            timeout=0.1,
        )
        shown = [repr(endpoint), str(endpoint), endpoint.identity, endpoint.safe_url]
        for model in (whole, shared):
            with pytest.raises(ModelError) as caught:
                await model.complete(ask())
            await model.aclose()
            error = caught.value
            # aiohttp's own exception holds the request, and the request its key.
            assert error.__cause__ is None
            assert error.__context__ is None or error.__suppress_context__
            shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
            shown += [repr(model), str(model), model.endpoint]
    text = "\n".join([*shown, caplog.text])
    assert [secret for secret in secrets if secret in text] == []
