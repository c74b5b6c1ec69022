"""Become another program that ends when its parent does; run as ``python -I -S leash.py PARENT SIGNAL COMMAND…``.

It is a separate program, because Python code between fork and exec may deadlock in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; survives exec, is cleared by fork


def leash(parent: int, death: int, command: list[str]) -> None:
    """Ask the kernel to send ``death`` when the parent goes, then exec the command; never returns."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death, 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before the kernel was asked
        os._exit(128 + signal.SIGKILL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command that it was given to run
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


if __name__ == "__main__":
    leash(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
