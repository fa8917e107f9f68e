"""The server with an embedded engine that has come to a stand."""

import asyncio

import pytest

from slm_mux.models.pool import Member, Pool
from tests.endpoints import serving
from tests.models.test_pulse import standing_in, streams
from tests.models.test_streamed import END, piece, stream
from tests.server.asking import asked, question_body


@pytest.mark.timeout(60)
async def test_the_request_fails_and_the_server_goes_on() -> None:
    """504, /ready and the breaker say so, others may ask, the server can be stopped."""
    async with serving() as fake:
        fake.always = streams(stream(piece(content="4")), ends=False)
        model, loaded = standing_in(fake.url, standstill=0.08)
        loaded.still = True
        pool = Pool([Member(model=model)], samples=2, retry_seconds=0)
        async with asked(
            pool, breaker_failures=2, breaker_seconds=0.3, check_seconds=0.1, ready_seconds=0.01
        ) as server:
            code, reply, _ = await server.post(question_body())
            assert (code, reply["error"]["code"]) == (504, "timeout")
            assert "its engine has come to a stand" in reply["error"]["reasons"]["m"]
            breaker = server.service.roster.pools["pool"].guards["m"].circuit
            assert breaker.state in ("open", "half_open")
            code, ready, _ = await server.get("/ready")
            assert (code, ready["members"][0]["ok"]) == (503, False)
            assert ready["members"][0]["problem"] == "m: its engine has come to a stand"
            assert (await server.get("/health"))[0] == 200
            loaded.still = False
            fake.always = streams(stream(piece(content="\\boxed{4}", finish="stop")), END)
            while breaker.state == "open":
                await asyncio.sleep(0.01)
            assert (await server.ask())["mux"]["answer"] == "4"
            assert (await server.get("/ready"))[0] == 200
        assert loaded.closed
