"""What Ctrl-C and SIGTERM do: end work that is not done with status 130, and stop what runs until it is stopped.

A supervisor's SIGTERM is how such a service is meant to end, so its status is then 0; after Ctrl-C it is 130, as shells
expect.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click

INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupting() -> Iterator[list[int]]:
    """Both signals raise ``KeyboardInterrupt`` in the block; the list holds those that came.

    Whatever else is raised once one came is a consequence of it: an engine reports a job that was cut off as a failure.
    """
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    kept = {}
    with suppress(ValueError):  # only a process's main thread can
        kept = {each: signal.signal(each, interrupt) for each in SIGNALS}
    try:
        yield came
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)


@contextmanager
def until_stopped(stop: Callable[[], object]) -> Iterator[None]:
    """Both signals call ``stop`` in the block, which then ends in its own order.

    Raises:
        click.exceptions.Exit: with 130 at the end of the block, if Ctrl-C was first.
    """
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        stop()

    for each in SIGNALS:
        signal.signal(each, end)
    yield
    if came and came[0] == signal.SIGINT:
        raise click.exceptions.Exit(INTERRUPTED)
