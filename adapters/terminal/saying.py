"""Progress and log lines for people: on stderr, so that stdout is data alone; none acts on the screen."""

import logging
import sys
import time
from collections.abc import Callable

from core.text.visible import visible


def line(text: str) -> str:
    """The text as it is shown or logged: escaped, and each further line indented, so that none passes for another."""
    return visible(text, lines=True).replace("\n", "\n  ")


def sayer(part: str) -> Callable[[str], None]:
    """A function that prints a line with the seconds since now and the part's name."""
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:7.1f} s  {part}: {line(text)}", file=sys.stderr, flush=True)

    return say


class PlainFormatter(logging.Formatter):
    """Log lines as ``line`` has them."""

    def format(self, record: logging.LogRecord) -> str:
        return line(super().format(record))


def log_to_stderr(form: str) -> None:
    """Log of this process from ``INFO`` on, in that form."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter(form))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def note(text: str) -> None:
    """Print a line that a person should see, beside whatever the command says."""
    print(f"millrace: note: {line(text)}", file=sys.stderr, flush=True)
