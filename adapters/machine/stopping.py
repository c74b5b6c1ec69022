"""What Ctrl-C and SIGTERM do: they end unfinished work with status 130, and stop services.

SIGTERM is the normal way to end a service, so its status is then 0; after Ctrl-C it is 130, as shells expect.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click

INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def interruptible() -> None:
    """Make SIGTERM raise ``KeyboardInterrupt`` as Ctrl-C does, while a command is looked up and imported."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def leaving(status: int) -> None:
    """Make both signals end the process at once with ``status``: its work is done, only its end takes time."""

    def leave(number: int, frame: FrameType | None) -> None:
        os._exit(status)

    for number in SIGNALS:
        signal.signal(number, leave)


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
