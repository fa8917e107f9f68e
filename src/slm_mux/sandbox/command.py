"""The command line of the sandbox: what of this machine a program in it can see."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from slm_mux.errors import SandboxError
from slm_mux.sandbox.limits import Limits

_BOOTSTRAP = "import sys; sys.path.insert(0, '/harness'); from inside.start import main; main()"
_HARNESS = "/harness/inside"
_INSIDE = Path(__file__).parent / "inside"
_LIBRARIES = ("/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/nix/store")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_SYSTEM_PREFIXES = ("/usr", "/usr/local")


def find_bwrap() -> str:
    """The path of bubblewrap's `bwrap`.

    Raises:
        SandboxError: it is not there; names the package to install.
    """
    found = shutil.which("bwrap")
    if found is None:
        system = platform.system()
        remedy = (
            "install the package bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf "
            "install bubblewrap)"
            if system == "Linux"
            else f"which runs on Linux only, and this is {system}; use a Linux machine or container"
        )
        raise SandboxError(
            f"model-written code is run by bubblewrap (`bwrap`), which is not on the PATH: {remedy}"
        )
    return found


def sandbox_command(
    bwrap: str, limits: Limits, *, name: str, info_fd: int, filter_fd: int | None, as_root: bool
) -> list[str]:
    """Write the command that starts the harness in a new sandbox.

    The file system is empty but for the interpreter, the system's libraries, four devices and a
    /tmp in memory; no /proc, no /etc, no home, no project. All of it but /tmp is read-only.

    Args:
        bwrap: its path.
        limits: for the size of /tmp.
        name: stands at the end of the command line, for those who look for its processes.
        info_fd: where bwrap writes the process id of the sandbox's init.
        filter_fd: a system call filter to load, or None.
        as_root: the caller is root; then the harness needs to change user, which it does before it
            reads the program. Otherwise a user namespace makes the caller someone else.
    """
    if as_root:
        # A user namespace would only rename root, and the kernel's process limit spares root.
        privileges = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        privileges = ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    return [
        bwrap,
        *privileges,
        *("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--hostname", "sandbox"),
        *("--die-with-parent", "--new-session", "--clearenv"),
        *("--setenv", "PYTHONHASHSEED", "0"),
        *("--info-fd", str(info_fd)),
        *(("--seccomp", str(filter_fd)) if filter_fd is not None else ()),
        *_mounts(limits),
        *("--chdir", "/tmp"),  # noqa: S108 (the sandbox's own)
        *("--", interpreter(), "-s", "-S", "-B", "-P", "-X", "utf8", "-c", _BOOTSTRAP),
        name,
    ]


def interpreter() -> str:
    """The interpreter below any virtual environment, which has the standard library alone."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def _mounts(limits: Limits) -> Iterator[str]:
    mounts = [*_libraries(), *_interpreter_mounts(), ("--ro-bind", str(_INSIDE), _HARNESS)]
    folders = {Path("/dev")} | {
        parent
        for operation in mounts
        for parent in Path(operation[-1]).parents
        if parent != Path("/")
    }
    # Those that bwrap makes by itself are root's alone when root calls it.
    for folder in sorted(folders):
        yield from ("--dir", str(folder))
    for operation in mounts:
        yield from operation
    for packages in _installed_packages():
        yield from ("--size", "4096", "--tmpfs", packages, "--remount-ro", packages)
    for device in _DEVICES:
        yield from ("--dev-bind-try", device, device)
    yield from ("--perms", "1777", "--size", str(limits.tmp_bytes), "--tmpfs", "/tmp")  # noqa: S108
    yield from ("--remount-ro", "/")


def _libraries() -> Iterator[tuple[str, str, str]]:
    for folder in _LIBRARIES:
        path = Path(folder)
        if path.is_symlink():
            yield ("--symlink", str(path.readlink()), folder)
        elif path.is_dir():
            yield ("--ro-bind", folder, folder)


def _interpreter_mounts() -> Iterator[tuple[str, str, str]]:
    real = os.path.realpath(sys.base_prefix)
    if real in _SYSTEM_PREFIXES:
        wanted = [interpreter(), f"{real}/lib"]
    else:
        wanted = list(dict.fromkeys((real, sys.base_prefix)))
    for path in wanted:
        if path not in _LIBRARIES:
            yield ("--ro-bind", path, path)


def _installed_packages() -> Iterator[str]:
    """Folders to hide: packages may hold anything, the tests of data sets for instance."""
    prefix = os.path.realpath(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [
        f"{prefix}/lib/{folder}/{packages}"
        for folder in (version, "python3")
        for packages in ("site-packages", "dist-packages")
    ]
    for folder in candidates:
        if Path(folder).is_dir():
            yield folder
