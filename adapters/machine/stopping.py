"""What Ctrl-C and SIGTERM do: they end unfinished work with status 130, and stop services.

SIGTERM is the normal way to end a service, so its status is then 0; after Ctrl-C it is 130, as shells expect.
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
    """Make both signals raise ``KeyboardInterrupt`` in the block; the list holds the signals that came.

    Any other error after a signal is its consequence: an engine reports an interrupted job as a failure.
    """
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    kept = {}
    with suppress(ValueError):  # only the main thread can set handlers
        kept = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield came
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def until_stopped(stop: Callable[[], object]) -> Iterator[None]:
    """Make both signals call ``stop`` in the block, which then ends in order.

    Raises:
        click.exceptions.Exit: with 130 at the end of the block, if Ctrl-C came first.
    """
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        stop()

    for number in SIGNALS:
        signal.signal(number, end)
    yield
    if came and came[0] == signal.SIGINT:
        raise click.exceptions.Exit(INTERRUPTED)
