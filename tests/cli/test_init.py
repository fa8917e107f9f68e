"""`slm-mux init`."""

from pathlib import Path

import pytest
import yaml

from slm_mux.cli import initialising
from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.pool import Pool
from slm_mux.models.probe import FoundServer
from tests.cli.running import slm_mux, slm_mux_process
from tests.endpoints import answers, serving, unused_url


async def test_a_server_s_models_become_a_pool_that_answers(tmp_path: Path) -> None:
    """The file that init writes is the file that ask reads."""
    async with serving() as fake:
        fake.served = ["org/Qwen2.5-7B-Instruct.gguf", "llama3.1:8b", "nomic-embed-text"]
        fake.always = answers("\\boxed{9}")
        wrote = await slm_mux("init", "--url", fake.url, cwd=tmp_path)
        asked = await slm_mux("ask", "How many?", "--json", cwd=tmp_path)
    assert wrote.code == 0
    assert asked.document["answer"] == "9"
    pool = Pool.load(tmp_path / "pool.yaml")
    assert [member.name for member in pool] == ["Qwen2.5-7B-Instruct", "llama3.1-8b"]


async def test_a_key_is_named_and_not_written(tmp_path: Path) -> None:
    """With --api-key-env the file refers to the variable."""
    async with serving(key="sk-secret-9") as fake:
        fake.served = ["m"]
        wrote = await slm_mux_process(
            "init", "--url", fake.url, "--api-key-env", "MY_KEY", cwd=tmp_path, MY_KEY="sk-secret-9"
        )
    assert wrote.code == 0
    text = (tmp_path / "pool.yaml").read_text()
    assert "api_key: ${MY_KEY}" in text
    assert "sk-secret-9" not in text + wrote.out + wrote.err


async def test_a_file_is_never_overwritten_without_force(tmp_path: Path) -> None:
    """An existing pool file stays as it is, unless --force says otherwise."""
    existing = tmp_path / "pool.yaml"
    existing.write_text("mine")
    refused = await slm_mux("init", "--builtin", cwd=tmp_path)
    assert (refused.code, existing.read_text()) == (2, "mine")
    assert "--force overwrites it" in refused.err
    forced = await slm_mux("init", "--builtin", "--force", cwd=tmp_path)
    assert forced.code == 0
    assert len(Pool.load(existing)) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--url", "not a url"], 2, "not a url"),
        (["--url", "http://user:word-1@127.0.0.1:1/v1"], 2, "user:password, which must not"),
        (["--builtin", "--url", "http://127.0.0.1:1/v1"], 2, "either --builtin or --url"),
        (["--api-key-env", "X"], 2, "--api-key-env goes with --url"),
        (
            ["--url", "http://127.0.0.1:1/v1", "--api-key-env", "NO_SUCH_KEY"],
            2,
            "NO_SUCH_KEY is not set",
        ),
    ],
)
async def test_wrong_usage(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    """Options that do not go together are refused, and nothing is written."""
    shown = await slm_mux("init", *arguments, cwd=tmp_path)
    assert shown.code == code
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert "word-1" not in shown.err + shown.out
    assert not (tmp_path / "pool.yaml").exists()


@pytest.mark.parametrize(
    "query",
    ["?api-version=1", "?v=2024-10-01-preview&deployment=llama-3.1-8b-instruct-2024-07-18&key="],
)
async def test_an_address_is_written_as_given(tmp_path: Path, query: str) -> None:
    """A query that holds no secret stands in the file, and the file asks with it."""
    async with serving() as fake:
        fake.served = ["m"]
        wrote = await slm_mux("init", "--url", fake.url + query, cwd=tmp_path)
    assert wrote.code == 0
    (entry,) = yaml.safe_load((tmp_path / "pool.yaml").read_text())["models"]
    assert entry["url"] == fake.url + query


async def test_an_address_where_nothing_answers(tmp_path: Path) -> None:
    """--url of a server that is down says so and writes nothing."""
    shown = await slm_mux("init", "--url", unused_url(), cwd=tmp_path)
    assert shown.code == 1
    assert "Traceback" not in shown.err
    assert not (tmp_path / "pool.yaml").exists()


def found(monkeypatch: pytest.MonkeyPatch, *servers: FoundServer) -> None:
    async def find() -> list[FoundServer]:
        return list(servers)

    monkeypatch.setattr(initialising, "find_local_servers", find)


def write(path: Path, *urls: str) -> None:
    initialising.write_pool_file(
        path, urls=urls, api_key_env=None, builtin=False, force=False, as_json=False
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://word-1@127.0.0.1:1/v1",
        "http://:word-1@127.0.0.1:1/v1",
        "http://127.0.0.1:1/v1?a=b&key=word-1",
        "http://127.0.0.1:1/v1?accessToken=word-1",
        "http://127.0.0.1:1/v1?v=sk-word-1",
        "http://127.0.0.1:1/v1?sk%2Dword-1",
        "http://127.0.0.1:1/v1?v=word-1-a8F3kq9ZtY2mQ7xL",
        "http://127.0.0.1:1/v1?word-1=9b2c1d7e-1a2b-4c3d-8e9f-0a1b2c3d4e5f",
    ],
)
def test_an_address_with_a_secret(tmp_path: Path, url: str) -> None:
    """A secret in --url is refused before anything is asked; the sentence has the way out alone."""
    with pytest.raises(InvalidRequestError, match="--api-key-env") as caught:
        write(tmp_path / "pool.yaml", "http://127.0.0.1:1/v1", url)
    assert "word-1" not in str(caught.value)
    assert not (tmp_path / "pool.yaml").exists()


def test_no_server_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server the error lists what was tried and the way out."""
    found(monkeypatch)
    with pytest.raises(PoolError, match="Ollama.*--builtin"):
        write(tmp_path / "pool.yaml")


def test_many_models_leave_the_rest_as_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first five models are active; the others can be uncommented."""
    names = tuple(f"model{index}:7b" for index in range(8))
    found(
        monkeypatch,
        FoundServer(name="Ollama", url="http://127.0.0.1:11434/v1", models=names, seconds=0.1),
    )
    path = tmp_path / "pool.yaml"
    write(path)
    assert len(Pool.load(path)) == 5
    lines = path.read_text().splitlines()
    assert sum(line.startswith("#  - name: model") for line in lines) == 3
    path.write_text(
        "\n".join(line.removeprefix("#") if line[:3] == "#  " else line for line in lines)
    )
    assert len(Pool.load(path)) == 8


def test_names_that_yaml_would_misread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model names such as yes, 7b: or "a # b" come back as they are, under unique names."""
    names = ("yes", "7", 'a # "b"', "x/same 🐈\x85\x1b", "y/same 🐈\x85\x1b")
    found(monkeypatch, FoundServer(name="vLLM", url="http://h/v1", models=names, seconds=0.1))
    path = tmp_path / "pool.yaml"
    write(path)
    pool = Pool.load(path)
    assert [getattr(member.model, "model", None) for member in pool] == list(names)
    assert len({member.name for member in pool}) == 5


def test_names_are_printed_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets and colons in a name are neither markup nor an emoji."""
    names = ("a[red]b", "[/]", "x:cat:y")
    found(monkeypatch, FoundServer(name="[b]", url="http://h/v1?a=b", models=names, seconds=0.1))
    write(tmp_path / "pool.yaml")
    assert "[b] at http://h/v1: a[red]b, [/], x:cat:y\n" in capsys.readouterr().err


def test_a_name_that_would_read_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server cannot name a model so that the file sends it one of the user's variables."""
    found(monkeypatch, FoundServer(name="x", url="http://h/v1", models=("${KEY}",), seconds=0.1))
    with pytest.raises(PoolError, match="which no pool file can hold"):
        write(tmp_path / "pool.yaml")
    assert not (tmp_path / "pool.yaml").exists()
