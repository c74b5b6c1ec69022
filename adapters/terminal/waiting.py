"""The options by which a lookup command waits for a prefix of the log."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from adapters.terminal.commands import Converted
from core.partitions.prefixes import WAIT_SECONDS, parse_at_least, parse_wait

Prefix = tuple[dict[int, int], float]  # what the views must hold, and how many seconds an answer may wait for it
AT_LEAST, WAIT = Converted("offsets", parse_at_least), Converted("seconds", parse_wait)


def waits(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the options that say what an answer must hold; the command gets both as ``prefix``."""

    @wraps(command)
    def run(at_least: dict[int, int] | None, wait: float, **options: Any) -> Any:
        return command(prefix=(at_least or {}, wait), **options)

    what = "Answer from views that hold these offsets, as POST /interactions returns them: 2:1841,3:7."
    how_long = "How long to wait for them: 0 to 10s; then the exit status is 3."
    held = click.option("--at-least", type=AT_LEAST, help=what)
    return held(click.option("--wait", type=WAIT, default=f"{WAIT_SECONDS:g}s", show_default=True, help=how_long)(run))
