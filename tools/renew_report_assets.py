"""Fetch the scripts that draw a report's charts, and keep them with what they were made from.

    python tools/renew_report_assets.py            # the versions that assets/versions.json names
    python tools/renew_report_assets.py vega=6.4.0 vega-lite=6.5.0 vega-interpreter=2.3.2

Needs npm. A version that is already named must have the sha256 that is written beside it; that of a
new one is written down. vega-interpreter is published as a module only, so its imports and its
export are turned into globals here. The packages' licences, and those of what they hold of others,
go into LICENSES.txt.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "src" / "slm_mux" / "reports" / "assets"
VERSIONS = ASSETS / "versions.json"
BUILDS = {
    "vega": "build/vega.min.js",
    "vega-lite": "build/vega-lite.min.js",
    "vega-interpreter": "build/vega-interpreter.js",
}
"""By package, in the order in which a page needs them."""
HELD = re.compile(
    r"d3-[\w-]+|topojson-client|delaunator|robust-predicates|internmap"
    r"|json-stringify-pretty-compact|tslib"
)
"""Packages of others that are inside these builds."""


def main() -> None:
    """Fetch, check, write."""
    known = json.loads(VERSIONS.read_text()) if VERSIONS.exists() else {}
    wanted = {name: known.get(name, {}).get("version") for name in BUILDS}
    wanted |= dict(argument.split("=", 1) for argument in sys.argv[1:])
    described = {}
    for name, build in BUILDS.items():
        if not wanted[name]:
            sys.exit(f"which version of {name}? give {name}=VERSION")
        raw = fetched(name, wanted[name], build)
        digest = hashlib.sha256(raw).hexdigest()
        before = known.get(name, {})
        if before.get("version") == wanted[name] and before["fetched_sha256"] != digest:
            sys.exit(f"{name} {wanted[name]} is not what it was: {digest}")
        script = without_source_map(raw.decode())
        if name == "vega-interpreter":
            script = as_script(script)
        if "</script" in script.lower():
            sys.exit(f"{name} {wanted[name]} cannot stand inside a page")
        file = f"{name}.js"
        (ASSETS / file).write_text(script, encoding="utf-8", newline="\n")
        described[name] = {
            "version": wanted[name],
            "file": file,
            "sha256": hashlib.sha256(script.encode()).hexdigest(),
            "fetched": build,
            "fetched_sha256": digest,
        }
    (ASSETS / "LICENSES.txt").write_text(
        licences([f"{name}@{version}" for name, version in wanted.items()]),
        encoding="utf-8",
        newline="\n",
    )
    VERSIONS.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def fetched(name: str, version: str, build: str) -> bytes:
    """Give a build of a package, as npm serves it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            return content(package, build)


def licences(packages: list[str]) -> str:
    """Collect the licences of packages, and of those of others that they hold, each text once."""
    mine = {package.rsplit("@", 1)[0] for package in packages}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "install", "--silent", "--ignore-scripts", "--no-save", *packages],
            cwd=folder,
            check=True,
        )
        names: dict[str, list[str]] = {}
        for package in sorted((Path(folder) / "node_modules").iterdir()):
            if package.name in mine or HELD.fullmatch(package.name):
                (path,) = (one for one in package.iterdir() if one.stem.upper() == "LICENSE")
                names.setdefault(path.read_text(encoding="utf-8").strip(), []).append(package.name)
    return "\n\n".join(f"{', '.join(those)}\n\n{text}" for text, those in names.items()) + "\n"


def content(package: tarfile.TarFile, path: str) -> bytes:
    """Read a file of a package."""
    member = package.extractfile(f"package/{path}")
    if member is None:
        sys.exit(f"the package has no {path}")
    return member.read()


def without_source_map(script: str) -> str:
    """Leave out the line that names a file which is not there."""
    return re.sub(r"\n//# sourceMappingURL=\S+\s*$", "\n", script)


def as_script(module: str) -> str:
    """Turn the one import, from vega-util, and the one export of a module into globals."""
    module, imports = re.subn(
        r"^import \{([^}]*)\} from 'vega-util';$", r"const {\1} = vega;", module, flags=re.MULTILINE
    )
    module, exports = re.subn(
        r"^export \{ (\w+) as expressionInterpreter \};$",
        r"globalThis.vegaInterpreter = \1;",
        module,
        flags=re.MULTILINE,
    )
    if (imports, exports) != (1, 1) or re.search(r"^(import|export)\b", module, flags=re.MULTILINE):
        sys.exit("vega-interpreter is built in another way now: look at its imports and exports")
    return f"(function () {{\n'use strict';\n{module}\n}})();\n"


if __name__ == "__main__":
    main()
