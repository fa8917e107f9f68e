"""The server as a process: how it starts, what it refuses, how it ends."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from slm_mux.cli.serving import named_pools, serve_pools
from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.embedded import EmbeddedModel
from slm_mux.server.keys import Keys
from slm_mux.server.running import check_exposure, is_loopback, listen
from slm_mux.server.settings import ServerSettings, SettingsError
from tests.cli.running import pool_file, slm_mux, start
from tests.endpoints import answers, never_answers, serving, waits_for
from tests.server.asking import WITHIN, question_body

posix = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


class Process:
    """A server process that takes requests."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    async def post(self, client: aiohttp.ClientSession, **headers: str) -> int:
        """Ask a question and return the status."""
        url = self.url + "/chat/completions"
        async with client.post(url, json=question_body(), headers=headers) as reply:
            await reply.read()
            return reply.status

    async def ended(self) -> tuple[int, str]:
        """The exit code, and what was written to stderr after the address."""
        async with asyncio.timeout(WITHIN):
            _, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


@asynccontextmanager
async def process(*arguments: str, keys: str = "") -> AsyncIterator[Process]:
    """Start `slm-mux serve` on a free port."""
    started = await start("serve", "--port", "0", *arguments, MUX_KEYS=keys)
    assert started.stderr is not None
    try:
        async with asyncio.timeout(WITHIN):
            line = (await started.stderr.readline()).decode()
        found = re.search(r"at (http://[^ ]+/v1)", line)
        assert found, line + (await started.stderr.read()).decode()
        yield Process(started, found[1])
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.wait()


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_it_finish(number: signal.Signals, tmp_path: Path) -> None:
    """What runs is answered; then the process ends with 0 and without a trace."""
    async with serving() as fake, aiohttp.ClientSession() as client:
        go = asyncio.Event()
        fake.always = waits_for(go, answers("\\boxed{1}"))
        async with process("--pool", pool_file(tmp_path, fake.url)) as server:
            running = asyncio.create_task(server.post(client))
            await fake.crowded(3)
            server.process.send_signal(number)
            assert server.process.stderr is not None
            assert b"stopping" in await server.process.stderr.readline()
            go.set()
            assert await running == 200
            code, err = await server.ended()
    assert (code, "Traceback" in err) == (0, False)
    assert json.loads(err.splitlines()[0])["status"] == 200


@posix
async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """Nobody wants to wait any more for what runs."""
    async with serving() as fake, aiohttp.ClientSession() as client:
        fake.always = never_answers()
        async with process("--pool", pool_file(tmp_path, fake.url)) as server:
            running = asyncio.create_task(server.post(client))
            await fake.crowded(3)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.stderr is not None
            await server.process.stderr.readline()
            server.process.send_signal(signal.SIGTERM)
            code, err = await server.ended()
            with suppress(aiohttp.ClientError):
                await running
    assert (code, "Traceback" in err) == (130, False)


async def test_keys_and_a_settings_file(tmp_path: Path) -> None:
    """Keys come from the environment, limits from the file, and options win over it."""
    config = tmp_path / "server.yaml"
    config.write_text("api_key_env: MUX_KEYS\nport: 1\nlog_format: text\n")
    async with serving() as fake, aiohttp.ClientSession() as client:
        pool = pool_file(tmp_path, fake.url)
        async with process(
            "--pool", pool, "--config", str(config), keys="alice=alice-secret-key"
        ) as server:
            assert await server.post(client) == 401
            assert await server.post(client, Authorization="Bearer alice-secret-key") == 200
            server.process.terminate()
            _, err = await server.ended()
    assert "secret" not in err
    assert 'key="alice"' in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("host", "0.0.0.0"), "a key is needed"),
        (("host", "no.such.host.invalid"), "there is no host"),
        (("host", ""), "there is no host"),
        (("port", 70000), "`port`"),
        (("api_key_env", "NOT_SET_HERE"), "NOT_SET_HERE, for the keys, is not set"),
        (("--config", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("--pool", "nowhere.yaml"), "nowhere.yaml: there is no such file"),
        (("--pool", "{pool}"), "there is a pool named 'pool' already"),
    ],
)
def test_what_it_refuses_to_start_with(
    arguments: tuple[Any, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One clear line for each mistake, and nothing was opened."""
    monkeypatch.chdir(tmp_path)
    pool = pool_file(tmp_path, "http://127.0.0.1:9/v1")
    options: dict[str, Any] = {"host": None, "port": None, "api_key_env": None}
    config, pools = None, [Path(pool)]
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        if name == "--config":
            config = Path(value)
        elif name == "--pool":
            pools.append(Path(value.replace("{pool}", pool)))
        else:
            options[name] = value
    with pytest.raises((InvalidRequestError, PoolError), match=re.escape(says)):
        serve_pools(pools, config=config, options=options)


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """It is said which, and what to do."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = str(held.getsockname()[1])
        pool = pool_file(tmp_path, "http://127.0.0.1:9/v1")
        shown = await slm_mux("serve", "--pool", pool, "--port", port)
    assert shown.code == 2
    assert f"port {port}" in shown.err
    assert "--port" in shown.err


def test_which_hosts_are_the_loopback() -> None:
    """Names and addresses that only this machine reaches; for any other one a key is needed."""
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "8.8.8.8"))
    check_exposure(ServerSettings(), Keys({}))
    check_exposure(ServerSettings(host="0.0.0.0"), Keys({"a": "a-secret-key"}))
    with pytest.raises(SettingsError):
        check_exposure(ServerSettings(host="0.0.0.0"), Keys({}))


@posix
@pytest.mark.parametrize(("hard", "allowed"), [(5000, 4000), (3000, 3000)])
async def test_open_files_are_allowed_for_every_connection(hard: int, allowed: int) -> None:
    """The limit is raised to four for each, or as far as the system lets it."""
    program = (
        "import resource; from slm_mux.server.running import allow_connections; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard})); print(allow_connections(1000))"
    )
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await started.communicate()
    assert int(out) == allowed


def test_every_address_of_a_host_has_the_same_port() -> None:
    """`localhost` may be two addresses; a client takes the first that it finds."""
    sockets = listen(ServerSettings(host="localhost", port=0))
    try:
        assert len({opened.getsockname()[1] for opened in sockets}) == 1
    finally:
        for opened in sockets:
            opened.close()


def test_pools_that_name_one_model_file_load_it_once(tmp_path: Path) -> None:
    """Its memory is taken once, however many pools are served."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("models: [{name: m, gguf: x.gguf}]\n")
    pools = named_pools([tmp_path / "one.yaml", tmp_path / "two.yaml"])
    models = [member.model for pool in pools.values() for member in pool]
    assert all(isinstance(model, EmbeddedModel) for model in models)
    assert len({model.engine for model in models if isinstance(model, EmbeddedModel)}) == 1
