"""What serves a model, as it goes into the address of its samples."""

import hashlib
from pathlib import Path

import pytest

from slm_mux.errors import HashMismatchError, WeightsError
from slm_mux.models.base import identity_of
from slm_mux.models.catalogue import catalogued
from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.scripted import ScriptedModel
from slm_mux.models.weights import content_of

SMALL = catalogued("smollm2-135m")
OTHER = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_an_endpoint_s_model_is_its_url_and_its_name_there() -> None:
    """Neither the name in the pool nor the way the URL is written nor the key is part of it."""
    models = [
        OpenAIModel("a", url="http://host/v1", model="m"),
        OpenAIModel("b", url="http://host/v1/", model="m", api_key="sk-secret-1"),
        OpenAIModel("c", url="http://host/v1/chat/completions", model="m"),
    ]
    assert {identity_of(model) for model in models} == {"openai:http://host/v1|m"}
    others = [
        OpenAIModel("a", url="http://host/v1", model="n"),
        OpenAIModel("a", url="http://host:81/v1", model="m"),
    ]
    assert len({identity_of(model) for model in [models[0], *others]}) == 3


def test_one_place_has_one_identity() -> None:
    """The host's letters and a port that goes without saying do not matter."""
    urls = ["http://host/v1", "http://HOST/v1", "http://host:80/v1", "HTTP://Host:80/v1/"]
    assert {identity_of(OpenAIModel("a", url=url, model="m")) for url in urls} == {
        "openai:http://host/v1|m"
    }
    secure = [OpenAIModel("a", url=f"https://[::1]{port}/v1", model="m") for port in ("", ":443")]
    assert {identity_of(model) for model in secure} == {"openai:https://[::1]/v1|m"}
    assert identity_of(OpenAIModel("a", url="https://host:80/v1", model="m")) == (
        "openai:https://host:80/v1|m"
    )


def test_what_may_route_a_request_is_part_of_its_identity() -> None:
    """Another query or header may be answered by something else; none of it is shown."""
    url = "http://host/v1"
    shared = Endpoint(url)
    models = [
        OpenAIModel("a", url=url, model="m"),
        OpenAIModel("a", url=f"{url}?route=small", model="m"),
        OpenAIModel("a", url=f"{url}?route=large", model="m"),
        OpenAIModel("a", url=f"{url}?route=large", model="m", headers={"X-Backend": "large"}),
        OpenAIModel("a", url=url, model="m", headers={"X-Backend": "large"}),
        OpenAIModel("a", url=url, model="m", headers={"X-Backend": "small"}),
    ]
    names = [identity_of(model) for model in models]
    assert len(set(names)) == len(names)
    assert not any("small" in name or "large" in name for name in names)
    own = OpenAIModel("a", endpoint=shared, model="m", headers={"x-backend": "small"})
    assert identity_of(own) == names[-1]


def test_keys_are_no_part_of_an_identity() -> None:
    """Keys change, and samples stay good: in a header, in the query, or where keys belong."""
    url = "http://host/v1"
    models = [
        OpenAIModel("a", url=url, model="m", headers={"Authorization": "Bearer sk-1"}),
        OpenAIModel("a", url=url, model="m", headers={"x-api-key": "sk-2"}),
        OpenAIModel("a", url=url, model="m", headers={"X-Auth-Token": "sk-3"}),
        OpenAIModel("a", url=url, model="m", api_key="sk-4"),
    ]
    assert {identity_of(model) for model in models} == {"openai:http://host/v1|m"}
    queries = [f"{url}?version=1&api_key={key}" for key in ("one", "two")]
    assert len({identity_of(OpenAIModel("a", url=one, model="m")) for one in queries}) == 1


def test_an_identity_holds_no_secret() -> None:
    """User and password of a URL stay out of it."""
    model = OpenAIModel("a", url="http://user:pass-word@host/v1", model="m")
    assert "pass-word" not in identity_of(model)
    assert "host/v1" in identity_of(model)


def test_a_model_of_the_caller_s_own_is_its_endpoint_and_name() -> None:
    """A model need not say what it is."""
    assert identity_of(ScriptedModel("a", ["1"])) == "scripted:a|a"


def test_a_file_is_its_content(tmp_path: Path) -> None:
    """A copy under another name is the same model; another content is another one."""
    one, copy, other = (tmp_path / f"{name}.gguf" for name in ("one", "copy", "other"))
    one.write_bytes(b"GGUF one")
    copy.write_bytes(b"GGUF one")
    other.write_bytes(b"GGUF other")
    digest = hashlib.sha256(b"GGUF one").hexdigest()
    assert content_of(str(one)) == content_of(str(copy)) == f"sha256:{digest}"
    assert content_of(str(other)) != content_of(str(one))
    engine = EmbeddedEngine(one)
    names = [identity_of(EmbeddedModel(name, engine=engine)) for name in "ab"]
    assert names == [f"gguf:sha256:{digest}"] * 2
    one.write_bytes(b"GGUF changed")
    assert content_of(str(one)) != f"sha256:{digest}"


def test_a_catalogued_file_is_known_before_it_is_fetched() -> None:
    """Its catalogue entry has the hash; a path to the same file is the same model."""
    assert content_of("builtin:smollm2-135m") == f"sha256:{SMALL.sha256}"
    assert content_of("elsewhere.gguf", sha256=SMALL.sha256.upper()) == f"sha256:{SMALL.sha256}"


def test_what_is_not_known_is_its_source() -> None:
    """A file of the hub without a hash, and a path without a file, are what they are called."""
    source = "hf:owner/repo@main/file.gguf"
    assert content_of(source) == source
    assert content_of(source, sha256=OTHER) == f"sha256:{OTHER}"
    assert content_of("no/such/file.gguf") == "no/such/file.gguf"


def test_mistakes_in_a_source_are_errors() -> None:
    """They are the same as when the file is fetched."""
    with pytest.raises(WeightsError, match="nope"):
        content_of("builtin:nope")
    with pytest.raises(WeightsError, match="not a sha256"):
        content_of("x.gguf", sha256="abc")
    with pytest.raises(HashMismatchError):
        content_of("builtin:smollm2-135m", sha256=OTHER)
