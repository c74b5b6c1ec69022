"""Shared by all commands: errors as one sentence and an exit status, ``--json``, and times and windows as options."""

import errno
import functools
import json
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import click

from adapters.machine.stopping import INTERRUPTED, interrupting
from adapters.terminal.reporting import line, say
from core.events.fields import MAX_TEXT
from core.events.timestamps import epoch_ms
from core.settings.units import milliseconds
from schemas.errors import MillraceError, SettingsError

MOST_ROWS = 10**9  # the most that can be asked for; more than any list has
HOUR_MS = 3_600_000
MAX_WINDOW_HOURS = 24 * 35
LATEST_MS = 253_402_300_799_999  # the last millisecond of 9999
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)

P = ParamSpec("P")
T = TypeVar("T")

as_json = click.option("--json", "as_json", is_flag=True, help="Print data alone, for programs.")


def reports_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Print a ``MillraceError`` as one sentence on stderr and exit with its status: 1 failed, 3 not ready.

    Ctrl-C and SIGTERM end a command that does not handle them itself: its leases are released, its status is 130.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with interrupting() as came:
            try:
                return command(*args, **kwargs)
            except (Exception, KeyboardInterrupt) as error:
                if came or isinstance(error, KeyboardInterrupt):
                    say("interrupted")
                    raise click.exceptions.Exit(INTERRUPTED) from error
                reported = _reported(error)
                if reported is None:
                    raise
                say(str(reported))
                raise click.exceptions.Exit(reported.exit_status) from error

    return run


def reports_outcome(command: Callable[P, T]) -> Callable[P, T]:
    """Do as ``reports_errors``; with ``--json`` a failed command prints its outcome as the last line on stdout.

    ``{"outcome": "refused" | "left out" | "failed", "error": the sentence}``: programs need not read the sentence.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except Exception as error:
            reported = _reported(error)
            if reported is not None and kwargs.get("as_json"):
                print_json(outcome_line(reported))
            raise

    return reports_errors(run)


def outcome_line(error: MillraceError) -> dict[str, str]:
    """Return the last line of a batch run, or of a step of one, that this error ended."""
    return {"outcome": error.outcome, "error": str(error)}


def _reported(error: BaseException) -> MillraceError | None:
    """Return the error as one sentence; None for a defect of Millrace."""
    return error if isinstance(error, MillraceError) else _of_the_system(error)


def _of_the_system(error: BaseException) -> MillraceError | None:
    """Return a problem of a file or a disk as one sentence; None for anything else, which is a defect of Millrace."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    if error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else error.filename
        return SettingsError(f"cannot use {name}: {error.strerror}; name another, or change its permissions")
    if error.errno in _FULL:
        return SettingsError(f"cannot write: {error.strerror}; free some space or write elsewhere")
    return None


def echo(text: str, *, err: bool = False) -> None:
    """Print text that may contain stored text, which then cannot act on the screen."""
    click.echo(line(text), err=err)


def print_json(value: Any) -> None:
    """Print one JSON text and a newline on stdout, in ASCII, so that it does not depend on the locale."""
    click.echo(json.dumps(value, allow_nan=False))


def window_hours(text: str) -> int:
    """Return a window such as ``1h``, ``24h`` or ``7d`` in whole hours. Raises ValueError with a sentence."""
    try:
        length = milliseconds(text)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    hours, rest = divmod(length, HOUR_MS)
    if rest or not 1 <= hours <= MAX_WINDOW_HOURS:
        raise ValueError(f"'{text}' is not a window: write whole hours or days from 1h to 35d, e.g. 24h or 7d")
    return hours


def moment_ms(text: str) -> int:
    """Return epoch milliseconds, given as such or as an RFC 3339 time with zone. Raises ValueError with a sentence."""
    moment = epoch_ms(int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdecimal() else text)
    if moment is None or not 0 <= moment <= LATEST_MS:
        raise ValueError(f"'{text}' is not a time: write epoch milliseconds, or RFC 3339 such as 2025-06-01T12:00:00Z")
    return moment


def category_name(text: str) -> str:
    """Return the text, if it can be an item's category. Raises ValueError when it is empty or too long."""
    if not 1 <= len(text) <= MAX_TEXT:
        raise ValueError(f"a category has 1 to {MAX_TEXT} characters; leave it out for items of any category")
    return text


class Converted(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """Converts an option's text by a function; its ValueError becomes the usage error (exit status 2)."""

    def __init__(self, name: str, convert: Callable[[str], Any]) -> None:
        self.name, self._convert = name, convert

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._convert(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def label_name(text: str) -> str:
    """Return the text, if it can be a brand, a tag or a region. Raises ValueError when it is empty or too long."""
    if not 1 <= len(text) <= MAX_TEXT:
        raise ValueError(f"it has 1 to {MAX_TEXT} characters; leave it out for any")
    return text


CATEGORY = Converted("category", category_name)
LABEL = Converted("label", label_name)
WINDOW = Converted("window", window_hours)
MOMENT = Converted("time", moment_ms)
