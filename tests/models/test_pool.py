"""The pool file: what it gives, and the one line that says what is wrong with it."""

import math
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.pretty import pretty_repr

from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.embedded import EmbeddedModel
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member, Pool
from slm_mux.models.pool_file import ModelEntry, PoolFile
from slm_mux.models.scripted import ScriptedModel

if TYPE_CHECKING:
    from slm_mux.models.pool import Engines

GOOD = """\
samples: 5
temperature: 0.5
stopping: frugal
seed: 7
models:
  - name: qwen
    url: http://127.0.0.1:11434/v1
    model: qwen2.5:7b
    api_key: ${TEST_KEY}
    max_in_flight: 3
    requests_per_minute: 90
    n: true
    validation_accuracy: {gsm8k: 0.81, default: 0.74}
  - name: llama
    url: http://127.0.0.1:11434/v1
    model: llama3.1:8b
    api_key: ${TEST_KEY}
    temperature: 0.9
    samples: 2
    system: Be brief.
    validation_accuracy: 0.5
  - name: tiny
    gguf: builtin:smollm2-135m
"""


def load(tmp_path: Path, text: str, **environment: str) -> Pool:
    path = tmp_path / "pool.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return Pool.load(path, environment=environment)


def test_a_pool_file_gives_its_models_and_settings(tmp_path: Path) -> None:
    """Every key of the file arrives where it belongs; members inherit the pool's settings."""
    pool = load(tmp_path, GOOD, TEST_KEY="sk-secret-123")
    qwen, llama, tiny = pool
    assert (pool.samples, pool.stopping, pool.seed) == (5, "frugal", 7)
    assert [member.name for member in pool] == ["qwen", "llama", "tiny"]
    assert isinstance(qwen.model, OpenAIModel)
    assert isinstance(tiny.model, EmbeddedModel)
    assert qwen.model.draws_at_once
    assert (qwen.model.limits.max_in_flight, qwen.model.limits.requests_per_minute) == (3, 90)
    assert (qwen.generation.temperature, llama.generation.temperature) == (0.5, 0.9)
    assert (qwen.samples, llama.samples, llama.system) == (None, 2, "Be brief.")


def test_models_of_one_endpoint_share_its_limits(tmp_path: Path) -> None:
    """Two models at one URL with one key have one limiter and one set of limits."""
    qwen, llama, _ = load(tmp_path, GOOD, TEST_KEY="k-12345")
    assert qwen.model.endpoint == llama.model.endpoint
    assert qwen.model.limits == llama.model.limits


def test_the_key_shows_nowhere(tmp_path: Path) -> None:
    """Neither the pool nor its models show the key when printed."""
    pool = load(tmp_path, GOOD, TEST_KEY="sk-secret-123")
    shown = repr(pool) + "".join(repr(member) + member.model.endpoint for member in pool)
    assert "sk-secret-123" not in shown


def test_validation_accuracy_by_task(tmp_path: Path) -> None:
    """The task's own record comes before the default; without either there is none."""
    qwen, llama, tiny = load(tmp_path, GOOD, TEST_KEY="k-12345")
    assert [qwen.accuracy_on(task) for task in ("gsm8k", "math", None)] == [0.81, 0.74, 0.74]
    assert llama.accuracy_on("gsm8k") == 0.5
    assert tiny.accuracy_on("gsm8k") is None


BASE = """\
samples: 3
models:
  - name: a
    url: http://127.0.0.1:1/v1
    model: m
"""
SECOND = BASE.partition("models:\n")[2].replace("name: a", "name: b")
LOCAL = """\
models:
  - name: a
    gguf: builtin:smollm2-135m
"""
SHA256 = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (BASE.replace("samples", "sampels"), 1, "unknown key `sampels`; did you mean `samples`?"),
        (BASE + "    temprature: 1\n", 6, "unknown key `temprature`; did you mean `temperature`?"),
        (BASE.replace("samples: 3", "samples: many"), 1, "`samples`: expected `int`, got `str`"),
        (BASE.replace("samples: 3", "samples: 0"), 1, "`samples` is 0, but must be at least 1"),
        (BASE + "    samples: -1\n", 6, "`samples` is -1, but must be at least 1"),
        (BASE + "    temperature: -0.5\n", 6, "`temperature` is -0.5, but must be between 0"),
        (BASE + "    temperature: .nan\n", 6, "`temperature` is nan"),
        (BASE + "    temperature: 50\n", 6, "`temperature` is 50.0, but must be between 0 and 10"),
        (BASE + "    top_p: 0\n", 6, "`top_p` is 0.0, but must be above 0 and at most 1"),
        (BASE + "    max_in_flight: 0\n", 6, "`max_in_flight` is 0, but must be at least 1"),
        (BASE + "    requests_per_minute: 0\n", 6, "must be above 0"),
        (BASE + "    timeout: .inf\n", 6, "`timeout` is inf"),
        (BASE + "    validation_accuracy: 1.5\n", 6, "must be between 0 and 1"),
        (
            BASE + "    validation_accuracy: {gsm8k: .nan}\n",
            6,
            "`validation_accuracy` for `gsm8k` is nan, but must be between 0 and 1",
        ),
        (BASE + "stopping: eagr\n", 6, "`stopping` cannot be `eagr`; did you mean `eager`?"),
        (BASE + "samples: 4\n", 6, "`samples` is given twice"),
        (BASE + "    api_key: ${NO_SUCH}\n", 6, "the environment variable NO_SUCH is not set"),
        (BASE + "    api_key: sk-123\n", 6, "a key does not belong in a file"),
        (BASE + "  - name: a\n    gguf: x.gguf\n", 6, "two models are named `a`"),
        (BASE + "    gguf: x.gguf\n", 3, "needs either `url` (an endpoint) or `gguf`"),
        (BASE + "    slots: 2\n", 6, "`slots` only goes with `gguf`"),
        (BASE.replace("    model: m\n", ""), 3, "`a` needs `model`"),
        (BASE.replace("  - name: a\n    url", "  - url"), 3, "`name` is missing here"),
        (BASE.replace("name: a", "name: ''"), 3, "a model needs a name"),
        ("models: []\n", 1, "`models` is empty"),
        ("samples: 3\n", 1, "`models` is missing here"),
        ("- a\n", 1, "a pool file is a mapping"),
        ("", 1, "a pool file is a mapping"),
        ("models: [\n", 2, "not valid YAML"),
        ("models: !!python/object:os.system []\n", 1, "not valid YAML"),
        ("seed: !!int x\nmodels: []\n", 1, "not valid YAML"),
        ("? [a]\n: 1\n", 1, "a key must be a plain word"),
        ("models: &x [*x]\n", 1, "an alias (*) is not read here; write its value out"),
        (BASE + "    headers: &h {A: b}\n    extra: *h\n", 7, "an alias (*) is not read here"),
        ("samples: 3\nmodels:\n  " + "[" * 5000, 3, "lists or mappings nest too deep"),
        (BASE + "    system: 'a\x07b'\n", 6, "not valid YAML: the control character U+0007"),
        ("\x01", 1, "not valid YAML: the control character U+0001"),
        (BASE.replace("http://", ""), 4, "not a URL that starts with http:// or https://"),
        (BASE.replace("http:", "ftp:"), 4, "not a URL that starts with http:// or https://"),
        (BASE.replace("127.0.0.1:1/", "h:99999/"), 4, "a host or a port that cannot be"),
        (BASE.replace("http://127.0.0.1:1/v1", '"a\\n b"'), 4, "is not a URL"),
        (BASE + '    headers:\n      X-A: b\n      X-B: "1\\n2"\n', 8, "`a`: the header 'X-B'"),
        (BASE + "    headers:\n      X A: b\n", 7, "`a`: the header 'X A' has a character"),
        (BASE + "    headers: {X-A: ключ}\n", 6, "`a`: the header 'X-A' has a character"),
        (
            BASE.replace("//", "//user:word@") + "    headers: {Authorization: Basic eA}\n",
            3,
            "give one of a key, user:password in the URL, and an Authorization header",
        ),
        (
            BASE + "    max_in_flight: 2\n" + SECOND + "    max_in_flight: 4\n",
            10,
            "`a` and `b` share one endpoint but state different limits",
        ),
        (
            BASE + SECOND.replace("/v1", "/v1/chat/completions") + "    requests_per_minute: 4\n",
            9,
            "`a` and `b` share one endpoint but state different limits",
        ),
        (LOCAL + "    sha256: abc\n", 4, "'abc' is not a sha256; it has 64 hexadecimal digits"),
        (LOCAL + f"    sha256: {SHA256}\n", 4, f"but {SHA256} is asked for"),
        (LOCAL.replace("builtin:smollm2-135m", "x.gguf\n    sha256: abc"), 4, "is not a sha256"),
        (LOCAL.replace("smollm2-135m", "smollm-135m"), 3, "did you mean `smollm2-135m`?"),
        (LOCAL.replace("smollm2-135m", "nope"), 3, "the catalogue has no model `nope`"),
        (LOCAL.replace("builtin", "hf"), 3, "is written hf:owner/repo@revision/file.gguf"),
        (LOCAL.replace("builtin:smollm2-135m", "hf:a/b@c/../d.gguf"), 3, "is written hf:"),
        (LOCAL.replace("builtin:smollm2-135m", '"hf:a\\nb"'), 3, "is written hf:"),
        (LOCAL.replace("builtin:smollm2-135m", "''"), 3, "`gguf` cannot be the name of a file"),
        (LOCAL.replace("builtin:smollm2-135m", '"a\\0"'), 3, "`gguf` cannot be the name of a file"),
        (BASE.replace("name: a", 'name: "\\ud800"'), 3, "half of a surrogate pair"),
        (BASE + '    extra: {"\\udfff": 1}\n', 6, "half of a surrogate pair"),
        (LOCAL.replace("builtin:smollm2-135m", "~no-such-user/x.gguf"), 3, "no such user"),
        (BASE + "    extra: {a: 1, seed: 1}\n", 6, "may not set seed"),
        (BASE + "    extra:\n      stream: true\n      model: x\n", 6, "not set model, stream"),
        (LOCAL + "    extra: {messages: [], n: 2}\n", 4, "may not set messages, n"),
        (
            LOCAL + "    slots: 2\n  - name: b\n    gguf: x.gguf\n    slots: 4\n",
            7,
            "embedded models take turns and must have the same slots",
        ),
    ],
)
def test_each_mistake_has_one_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    """File, line, what is wrong, and the nearest valid name; never more than one line."""
    with pytest.raises(PoolError) as caught:
        load(tmp_path, text)
    shown = str(caught.value)
    assert shown.startswith(f"{tmp_path / 'pool.yaml'}:{line}: ")
    assert message in shown
    assert "\n" not in shown


def test_a_bad_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    """A key that no header can carry points at its line, and stays out of the message."""
    with pytest.raises(PoolError, match=r"pool\.yaml:6: .*the key has a character") as caught:
        load(tmp_path, BASE + "    api_key: ${TEST_KEY}\n", TEST_KEY="sk-schlüssel-123")
    assert "123" not in str(caught.value)
    with pytest.raises(PoolError, match=r"pool\.yaml:6: .* TEST_KEY is not UTF-8"):
        load(tmp_path, BASE + "    api_key: ${TEST_KEY}\n", TEST_KEY="sk-123\udcff")


def test_an_anchor_without_an_alias_is_harmless(tmp_path: Path) -> None:
    """Only the use of an anchor is refused."""
    assert len(load(tmp_path, BASE.replace("model: m", "model: &m m"))) == 1


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    """A pool file that is not there points to `slm-mux init`."""
    with pytest.raises(PoolError, match="slm-mux init"):
        Pool.load(tmp_path / "none.yaml")


def test_a_folder_or_a_binary_is_no_pool_file(tmp_path: Path) -> None:
    """Neither a folder nor bytes that are not text end in a traceback."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, message in ((tmp_path, "folder"), (binary, "not a text file")):
        with pytest.raises(PoolError, match=message):
            Pool.load(path)


def test_embedded_models_share_their_slots(tmp_path: Path) -> None:
    """The slots that one embedded model states hold for all, wherever they are stated."""
    pool = load(tmp_path, LOCAL + "  - name: b\n    gguf: x.gguf\n    slots: 2\n")
    assert [member.model.limits.max_in_flight for member in pool] == [2, 2]


def test_pools_can_share_engines(tmp_path: Path) -> None:
    """One file, by whatever path, under one set of settings, is one engine; else it is another."""
    (tmp_path / "sub").mkdir()
    text = "models:\n  - name: a\n    gguf: {}\n"
    files = {
        "one.yaml": text.format("x.gguf"),
        "two.yaml": text.format("sub/../x.gguf") + "    slots: 4\n",
        "sub/three.yaml": text.format("../x.gguf") + "    context: 512\n",
        "four.yaml": text.format("y.gguf"),
    }
    engines: Engines = {}
    found = []
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        (member,) = Pool.load(tmp_path / name, engines=engines)
        assert isinstance(member.model, EmbeddedModel)
        found.append(member.model.engine)
    assert found[0] is found[1]
    assert len(set(found)) == len(engines) == 3


@pytest.mark.parametrize(
    "written", ["weights/x.gguf", "we:ights/x.gguf", r"C:\models\x.gguf", "./hf:x", "HF:x"]
)
def test_a_path_is_relative_to_the_pool_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """A model file beside the pool file is found from any working folder, colon or not."""
    text = f"models:\n  - name: a\n    gguf: '{written}'\n"
    (member,) = load(tmp_path, text)
    assert isinstance(member.model, EmbeddedModel)
    assert member.model.engine.source == str(tmp_path / written)
    monkeypatch.chdir(tmp_path)
    (beside,) = Pool.load("pool.yaml")
    assert isinstance(beside.model, EmbeddedModel)
    assert beside.model.engine.source == str(tmp_path / written)


def test_a_source_that_is_no_path_stays_as_it_is(tmp_path: Path) -> None:
    """`builtin:` and `hf:` name sources, `~` the home folder, and an absolute path itself."""
    home = str(Path("~/x.gguf").expanduser())
    for written, source in {
        "builtin:smollm2-135m": "builtin:smollm2-135m",
        "hf:a/b@main/d.gguf": "hf:a/b@main/d.gguf",
        "~/x.gguf": home,
        home: home,
    }.items():
        (member,) = load(tmp_path, LOCAL.replace("builtin:smollm2-135m", written))
        assert isinstance(member.model, EmbeddedModel)
        assert member.model.engine.source == source


def test_an_entry_shows_neither_key_nor_headers() -> None:
    """Neither `repr` nor rich shows an entry's secrets, alone or inside the file's content."""
    entry = ModelEntry(
        name="a",
        url="http://user:sk-1@h/v1?key=sk-2",
        model="m",
        api_key="sk-3",
        headers={"X-Key": "sk-4"},
        extra={"token": "sk-5"},
    )
    assert repr(entry) == "ModelEntry(name='a', model='m', gguf=None)"
    file = PoolFile(models=[entry])
    for shown in (
        repr(file),
        pretty_repr(entry),
        pretty_repr(file),
        pretty_repr(file, max_width=9),
    ):
        assert re.search("name='a'", shown)
        assert "sk-" not in shown
    assert msgspec.structs.asdict(entry)["api_key"] == "sk-3"


def test_a_pool_of_python_models() -> None:
    """`Pool.of` gives every model the same settings."""
    pool = Pool.of(ScriptedModel("a", "1"), ScriptedModel("b", "2"), temperature=0.9, samples=2)
    assert (len(pool), pool.samples) == (2, 2)
    assert [member.generation.temperature for member in pool] == [0.9, 0.9]


def test_a_pool_needs_models_with_different_names() -> None:
    """An empty pool, a double name and k = 0 are refused in Python as in a file."""
    with pytest.raises(PoolError, match="empty"):
        Pool([])
    with pytest.raises(PoolError, match="two models are named 'a'"):
        Pool.of(ScriptedModel("a", "1"), ScriptedModel("a", "2"))
    with pytest.raises(InvalidRequestError, match="samples is 0"):
        Pool([Member(model=ScriptedModel("a", "1"))], samples=0)


@pytest.mark.parametrize("accuracy", [1.5, -0.1, math.nan, math.inf])
def test_a_record_in_python_is_a_share(accuracy: float) -> None:
    """A validation accuracy outside [0, 1] is refused before anything is drawn."""
    member = Member(model=ScriptedModel("a", "1"), validation_accuracy={"default": accuracy})
    with pytest.raises(InvalidRequestError, match=f"^a: .* for 'default' is {accuracy}, but"):
        Pool([Member(model=ScriptedModel("b", "1")), member])


@pytest.mark.parametrize("samples", [0, -1])
def test_a_member_in_python_draws_at_least_once(samples: int) -> None:
    """Samples below 1 of one member are refused, and the member named."""
    member = Member(model=ScriptedModel("a", "1"), samples=samples)
    with pytest.raises(InvalidRequestError, match=f"^a: samples is {samples}, but"):
        Pool([member])


def test_the_pool_is_looked_for_in_two_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """./pool.yaml first, then the user's own, then the built-in models."""
    here, config = tmp_path / "here", tmp_path / "config"
    here.mkdir()
    (config / "slm-mux").mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    assert [member.name for member in Pool.find()] == ["qwen2.5-coder-0.5b", "smollm2-135m"]
    (config / "slm-mux" / "pool.yaml").write_text(BASE.replace("name: a", "name: user"))
    assert [member.name for member in Pool.find()] == ["user"]
    (here / "pool.yaml").write_text(BASE.replace("name: a", "name: local"))
    assert [member.name for member in Pool.find()] == ["local"]


def test_a_link_that_leads_to_no_file_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """./pool.yaml that is a dangling link is an error, not a reason to take another pool."""
    monkeypatch.chdir(tmp_path)
    Path("pool.yaml").symlink_to("gone.yaml")
    with pytest.raises(PoolError, match=r"^pool\.yaml: this link leads to no file"):
        Pool.find()
