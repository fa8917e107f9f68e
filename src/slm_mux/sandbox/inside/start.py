"""The first lines that run in the sandbox: limits set, root given up, then the program.

Standard input starts with one framed header that the parent wrote; what follows it belongs to the
program (`script`), or is a second header that the program never sees (`tests`).
"""

import marshal
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

UNUSED_GROUP = 65534


def main() -> None:
    """Read the header, lock this process down, and go on as it says."""
    header = read_header()
    serve = _server(header["mode"])
    lock_down(header)
    serve(header)


def _server(mode: str) -> Callable[[dict[str, Any]], None]:
    if mode == "calls":
        from .calls import serve_calls

        return serve_calls
    if mode == "tests":
        from .tests import serve_tests

        return serve_tests
    return run_script


def read_header() -> dict[str, Any]:
    """Read one framed header, and not a byte more, from standard input."""
    size = int.from_bytes(_read_exactly(8), "big")
    header: dict[str, Any] = marshal.loads(_read_exactly(size))  # noqa: S302 (the parent wrote it)
    return header


def _read_exactly(size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0:
        part = os.read(0, size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def lock_down(header: dict[str, Any]) -> None:
    """Set the limits, give up root for good where the caller has it, and forget the environment.

    A process limit does not bind root, hence a real change of user, not one of a user namespace.
    """
    for name, value in header["limits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (limit, limit))
    user = header["user"]
    if user is not None:
        os.setgroups([])
        try:
            _become(user)
        except OSError:  # a container without that many users
            _become(UNUSED_GROUP)
    os.environ.clear()
    sys.path[:] = [entry for entry in sys.path if entry not in ("", "/harness")]
    os.chdir("/tmp")  # noqa: S108 (the sandbox's own)


def _become(user: int) -> None:
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def run_script(header: dict[str, Any]) -> None:
    """Run the program as `python program.py` would; its exit status is this process's."""
    import types

    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["program.py", *header["arguments"]]
    exec(compile(header["source"], "program.py", "exec"), module.__dict__)  # noqa: S102
