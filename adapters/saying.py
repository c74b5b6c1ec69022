"""Progress lines for people: on stderr, so that stdout is data alone."""

import sys
import time
from collections.abc import Callable


def sayer(part: str) -> Callable[[str], None]:
    """A function that prints a line with the seconds since now and the part's name."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:7.1f} s  {part}: {text}", file=sys.stderr, flush=True)

    return say
