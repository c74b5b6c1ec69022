"""The one way in which a process reports: log records on stderr, so that stdout holds data alone.

A command reports sentences to the person who started it (``reporter``), with the seconds since the process began. A
service logs events with their keys, ``event key=value`` (``logger``), with the time. With ``--log-format json`` both
are lines of JSON. Stored text never acts on the screen.
"""

import logging
import sys
from collections.abc import Callable

from adapters.terminal.log_lines import OURS, JsonFormatter, about
from core.text.visible import visible

TEXT, JSON = "text", "json"  # what the setting log_format may be
SERVICE_FORM = "%(asctime)s %(part)s %(message)s"
COMMAND_FORM = "%(seconds)7.1f s  %(part)s: %(message)s"


def line(text: str) -> str:
    """Return the text as shown or logged: escaped, with further lines indented, so that none imitates another."""
    return visible(text, lines=True).replace("\n", "\n  ")


def logger(part: str) -> logging.Logger:
    """Return the logger of a part of Millrace, such as ``catalogue``."""
    return logging.getLogger(f"{OURS}.{part}")


def reporter(part: str) -> Callable[[str], None]:
    """Return a function that reports one sentence of a command's part on stderr."""
    ours = logging.getLogger(OURS)
    if not ours.handlers:
        ours.addHandler(_StderrHandler(COMMAND_FORM))
        ours.setLevel(logging.INFO)
        ours.propagate = False
    return logger(part).info


def log_to_stderr() -> None:
    """Send all log records of this process, a service, from ``INFO`` on to stderr."""
    logging.basicConfig(level=logging.INFO, handlers=[_StderrHandler(SERVICE_FORM)])


def note(text: str) -> None:
    """Print a line that a person should see, whatever else the command prints."""
    say(text, logging.WARNING, "note: ")


def say(text: str, level: int = logging.ERROR, mark: str = "") -> None:
    """Print the last word of a command on stderr, such as its error."""
    if _format == JSON:
        record = logging.LogRecord("command", level, "", 0, text, (), None)
        print(JsonFormatter().format(record), file=sys.stderr, flush=True)
    else:
        print(f"millrace: {mark}{line(text)}", file=sys.stderr, flush=True)


def use_format(name: str) -> None:
    """Write from now on as the setting log_format says."""
    global _format
    _format = name


def writes_json() -> bool:
    """Return whether what is reported is for programs."""
    return _format == JSON


_format = TEXT


class PlainFormatter(logging.Formatter):
    """Formats log records by ``line``; ``part`` is the logger's name without ours in front."""

    def format(self, record: logging.LogRecord) -> str:
        record.part = record.name.removeprefix(f"{OURS}.")
        record.seconds = record.relativeCreated / 1_000
        return line(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name
        """Return the line without a stack, with the keys of the request that is being answered."""
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in about().items())])


class _StderrHandler(logging.Handler):
    """Writes to the ``sys.stderr`` of the moment, which a progress display replaces while it is shown."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._plain, self._json = PlainFormatter(form), JsonFormatter()

    def format(self, record: logging.LogRecord) -> str:
        return (self._json if _format == JSON else self._plain).format(record)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # noqa: BLE001 - a report that cannot be written must not end the work
            self.handleError(record)
