"""What `import slm_mux` gives, and what it does not load."""

import importlib
import json
import subprocess
import sys
from importlib.resources import files

import pytest

import slm_mux

HEAVY = (
    "aiohttp",
    "asyncio",
    "numpy",
    "pyarrow",
    "rich",
    "scipy",
    "sqlite3",
    "starlette",
    "sympy",
    "typer",
    "xllamacpp",
    "yaml",
)


def modules_after(code: str) -> set[str]:
    """The modules a fresh interpreter has after running the code."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(shown.stdout))


def test_all_is_sorted_and_complete() -> None:
    """`__all__` lists each public name once, in order, and nothing else is promised."""
    assert slm_mux.__all__ == sorted(set(slm_mux.__all__))
    assert set(slm_mux.__all__) == set(slm_mux._HOME)


@pytest.mark.parametrize("name", slm_mux.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    """Each name can be imported, is defined where the table says, and has a docstring."""
    value = getattr(slm_mux, name)
    module = importlib.import_module(f"slm_mux.{slm_mux._HOME[name]}")
    assert value is getattr(module, name)
    assert value.__doc__


@pytest.mark.parametrize("name", [n for n in slm_mux.__all__ if n[0].isupper()])
def test_every_public_method_is_documented(name: str) -> None:
    """Public methods and properties of public classes say what they do."""
    value = getattr(slm_mux, name)
    for attribute, member in vars(value).items():
        if not attribute.startswith("_") and (callable(member) or isinstance(member, property)):
            assert member.__doc__, f"{name}.{attribute}"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as it does in any module."""
    with pytest.raises(AttributeError, match="no attribute 'Muxx'"):
        slm_mux.Muxx  # noqa: B018


def test_dir_lists_the_public_names() -> None:
    """Completion in a shell finds the names before they are used."""
    assert set(slm_mux.__all__) <= set(dir(slm_mux))


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names are imported on first use."""
    assert not modules_after("import slm_mux") & set(HEAVY)


def test_voting_alone_needs_no_network_library() -> None:
    """Who has answers already loads neither aiohttp nor numpy to vote."""
    loaded = modules_after("from slm_mux import decide, vote\ndecide([vote('m', ['A'])])")
    assert not loaded & set(HEAVY)


def test_asking_remote_models_needs_no_local_engine() -> None:
    """Only embedded models load llama.cpp, and only hard mathematics loads sympy."""
    loaded = modules_after(
        "from slm_mux import Mux, Pool, ScriptedModel\n"
        "with Mux(Pool.of(ScriptedModel('m', ['\\\\boxed{1}']))) as mux: mux.ask('1?', kind='math')"
    )
    assert not loaded & {"xllamacpp", "sympy", "numpy", "starlette", "typer", "rich"}


def test_the_package_says_it_is_typed() -> None:
    """Type checkers of other projects use our annotations."""
    assert files("slm_mux").joinpath("py.typed").is_file()
