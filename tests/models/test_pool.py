"""The pool file: what it gives, and the one line that says what is wrong with it."""

import textwrap
from pathlib import Path

import pytest

from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.embedded import EmbeddedModel
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel

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
        (BASE + "    top_p: 0\n", 6, "`top_p` is 0.0, but must be above 0 and at most 1"),
        (BASE + "    max_in_flight: 0\n", 6, "`max_in_flight` is 0, but must be at least 1"),
        (BASE + "    requests_per_minute: 0\n", 6, "must be above 0"),
        (BASE + "    timeout: .inf\n", 6, "`timeout` is inf"),
        (BASE + "    validation_accuracy: 1.5\n", 6, "must be between 0 and 1"),
        (
            BASE + "    validation_accuracy: {gsm8k: .nan}\n",
            6,
            "the validation accuracy for `gsm8k` is nan",
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


def test_a_bad_address_is_refused(tmp_path: Path) -> None:
    """A URL without a scheme is an error of the pool, not of the first draw."""
    with pytest.raises(PoolError):
        load(tmp_path, BASE.replace("http://", ""))


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


def test_limits_of_one_endpoint_must_not_contradict(tmp_path: Path) -> None:
    """Two models that share an endpoint cannot state different limits for it."""
    text = (
        BASE
        + "    max_in_flight: 2\n"
        + BASE.partition("models:\n")[2].replace("name: a", "name: b")
        + "    max_in_flight: 4\n"
    )
    with pytest.raises(PoolError, match="`a` and `b` share one endpoint"):
        load(tmp_path, text)


def test_a_path_is_relative_to_the_pool_file(tmp_path: Path) -> None:
    """A model file beside the pool file is found from any working folder."""
    (member,) = load(tmp_path, "models:\n  - name: a\n    gguf: weights/x.gguf\n")
    assert isinstance(member.model, EmbeddedModel)
    assert str(tmp_path / "weights" / "x.gguf") in repr(member.model.engine)


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
