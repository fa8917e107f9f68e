"""Outlives the caller by a second, to end what a `kill -9` of it left behind.

bwrap dies with its parent, and its sandbox with it. But killed in the instant in which it makes the
sandbox, it leaves an init that waits for ever. So one small shell per sandbox object waits for the
caller's end, whatever that was, and kills what still carries the object's name.
"""

import contextlib
import os
import secrets
import weakref

from slm_mux.errors import SandboxError

_SHELL = "/bin/sh"
# Descriptor 3 ends when the caller does. The first shell ends at once, so that what waits is
# nobody's child; and the name is in no command line of its own.
_SCRIPT = """
{
  cat <&3 > /dev/null
  for pause in 0.3 0.7; do
    sleep $pause
    for folder in /proc/[0-9]*; do
      tr '\\0' '\\n' < $folder/cmdline | grep -qx -e "$NAME" && kill -9 ${folder#/proc/}
    done
  done
} 2> /dev/null &
"""


class Guard:
    """Waits for the end of this process, or of its own, and ends all that carry its name.

    Raises:
        SandboxError: there is no shell.
    """

    def __init__(self) -> None:
        self.name = f"slm-mux-{os.getpid()}-{secrets.token_hex(4)}"
        """For the command lines of what it watches over."""
        reader, writer = os.pipe()
        try:
            shell = os.posix_spawn(
                _SHELL,
                ["sh", "-c", _SCRIPT],
                {"PATH": "/usr/bin:/bin", "NAME": self.name},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, reader, 3),
                ],
                # Ctrl-C on the caller's terminal is not meant for it.
                setpgroup=0,
            )
            with contextlib.suppress(ChildProcessError):  # where the caller ignores SIGCHLD
                os.waitpid(shell, 0)
        except OSError as error:
            os.close(writer)
            raise SandboxError(
                f"the sandbox's guard, a shell, cannot be started: {error}"
            ) from None
        finally:
            os.close(reader)
        self.close = weakref.finalize(self, os.close, writer)
        """Let it go, and kill what still runs."""
