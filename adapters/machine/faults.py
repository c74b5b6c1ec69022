"""Named steps at which crash tests end a process, as ``kill -9`` would; without MILLRACE_FAULT they do nothing."""

import os
import signal
from collections.abc import Callable


def fault_point() -> Callable[[str], None]:
    """Return a function to call at each named step; the one that MILLRACE_FAULT names kills the process."""
    wanted = os.environ.get("MILLRACE_FAULT", "")

    def reach(step: str) -> None:
        if step == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
