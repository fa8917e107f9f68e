"""What a client may write as `model`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import PoolError
from slm_mux.server.wire.errors import RefusedError
from slm_mux.server.wire.names import ModelName, model_document, models_document, names_of

POOLS = {"home": ["qwen2.5:7b", "org/smol"], "lab": ["qwen2.5:7b", "phi"]}
NAMES = names_of(POOLS, ["single", "agent_forest"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mux", ModelName(pool="home")),
        ("mux@lab", ModelName(pool="lab")),
        ("mux+single", ModelName(pool="home", method="single")),
        ("mux:number", ModelName(pool="home", kind="number")),
        (
            "mux@lab+agent_forest:choice",
            ModelName(pool="lab", method="agent_forest", kind="choice"),
        ),
        ("mux+mux:auto", ModelName(pool="home")),
        ("qwen2.5:7b", ModelName(pool="home", member="qwen2.5:7b")),
        ("qwen2.5:7b@lab", ModelName(pool="lab", member="qwen2.5:7b")),
        ("phi", ModelName(pool="lab", member="phi")),
        ("org/smol", ModelName(pool="home", member="org/smol")),
    ],
)
def test_a_name_says_pool_method_and_kind_or_a_member(text: str, name: ModelName) -> None:
    """Every part may be left out; the first pool is meant where none is named."""
    assert NAMES.resolve(text) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mux@attic", "its pool 'attic' is none of home, lab"),
        ("mux+singel", "did you mean 'single'?"),
        ("mux:nubmer", "did you mean 'number'?"),
        ("mux:code", "its kind 'code' is none of"),
        ("mux:tool_call", "its kind 'tool_call' is none of"),
        ("qwen2.5-7b", "did you mean 'qwen2.5:7b'?"),
        ("gpt-4o", "GET /v1/models lists what is served"),
        ("MUX", "there is no model 'MUX'"),
        ("mux:number\n", "there is no model 'mux:number�'"),
        ("mux@", "there is no model 'mux@'"),
        ("\x00", "there is no model '�'"),
        ("x" * 500, "xxx…'"),
    ],
)
def test_an_unknown_name_is_not_found(text: str, words: str) -> None:
    """It is a 404 that names the nearest, or where to look."""
    with pytest.raises(RefusedError) as caught:
        NAMES.resolve(text)
    reply = caught.value.reply
    assert (reply.status, reply.code, reply.param) == (404, "model_not_found", "model")
    assert words in reply.message


def test_every_name_that_is_listed_is_served() -> None:
    """The list has each name once, the pools first; `all` has the rest too."""
    listed = NAMES.listed()
    assert listed[:2] == ("mux", "mux@home")
    assert listed[-4:] == ("qwen2.5:7b", "org/smol", "phi", "qwen2.5:7b@lab")
    assert len(set(listed)) == len(listed)
    assert set(listed) < set(NAMES.all())
    for name in NAMES.all():
        assert NAMES.resolve(name).pool in POOLS


@given(st.text(max_size=30) | st.from_regex(r"mux(@\w+)?(\+\w+)?(:\w+)?"))
def test_any_text_is_a_name_or_is_not_found(text: str) -> None:
    """Resolving never fails in another way, and a pool's name is written as it was read."""
    parsed = ModelName.parse(text)
    if parsed is not None:
        assert ModelName.parse(str(parsed)) == parsed
    try:
        known = NAMES.resolve(text).pool in POOLS
    except RefusedError as error:
        known = error.reply.status == 404
    assert known


@pytest.mark.parametrize("pools", [{}, {"a b": ["m"]}, {"a": ["mux"]}, {"a": ["mux:number"]}])
def test_names_that_cannot_be_told_apart_are_refused(pools: dict[str, list[str]]) -> None:
    """A pool needs a name that can be written, and no member may be called like a pool."""
    with pytest.raises(PoolError):
        names_of(pools)


def test_the_models_are_listed_as_openai_lists_them() -> None:
    """One entry each, of the form that clients parse; one is found by its name."""
    document = models_document(NAMES, created=5)
    assert [entry["id"] for entry in document["data"]] == list(NAMES.listed())
    assert document["data"][0] == {
        "id": "mux",
        "object": "model",
        "created": 5,
        "owned_by": "slm-mux",
    }
    assert model_document(NAMES, "phi", created=5)["owned_by"] == "lab"
    with pytest.raises(RefusedError):
        model_document(NAMES, "phi-2", created=5)


def test_short_names_of_methods() -> None:
    """They are listed beside the full ones, and mean the same."""
    names = names_of(POOLS, ["debate", "mixture_of_agents"], aliases={"moa": "mixture_of_agents"})
    listed = names.listed()
    assert {"mux+debate", "mux+moa", "mux+mixture_of_agents", "mux@lab+moa"} <= set(listed)
    assert names.resolve("mux+moa") == names.resolve("mux+mixture_of_agents")
    assert names.resolve("mux@lab+moa:number") == ModelName(
        pool="lab", method="mixture_of_agents", kind="number"
    )
    with pytest.raises(RefusedError, match="did you mean 'moa'"):
        names.resolve("mux+mao")


def test_a_method_that_one_pool_cannot_do() -> None:
    """It is not listed there, and whoever asks for it hears why."""
    names = names_of(
        POOLS,
        {"home": ["single"], "lab": ["single", "debate"]},
        refused={"home": {"debate": "debate needs 3 models, and there are 2"}, "lab": {}},
    )
    assert "mux+debate" not in names.listed()
    assert "mux+debate" not in names.all()
    assert "mux@lab+debate" in names.listed()
    with pytest.raises(RefusedError, match="'mux\\+debate' is not served: debate needs 3 models"):
        names.resolve("mux+debate")
