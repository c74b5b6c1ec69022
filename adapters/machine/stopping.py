"""What Ctrl-C and SIGTERM do: they end unfinished work with status 130, and stop services.

SIGTERM is the normal way to end a service, so its status is then 0; after Ctrl-C it is 130, as shells expect.
"""

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import click

INTERRUPTED = 130
UNWRITTEN = 120  # as Python's own, when what was printed cannot be written
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """The end of a command's process, whose status a late signal does not change.

    Python forgets its signal handlers while it takes itself down, for up to half a second with what is imported here.
    So the process ends right after its exit handlers: this one is registered first, and therefore called last.
    """

    def __init__(self) -> None:
        """Make SIGTERM raise ``KeyboardInterrupt`` as Ctrl-C does, while the command is looked up and imported."""
        self._status, self._pid = 1, os.getpid()  # 1: a defect of Millrace, whose traceback is printed before this
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        atexit.register(self._leave)

    def with_status(self, status: int) -> None:
        """Mark the work as done: from now on both signals end the process at once with its status."""
        self._status = status
        for number in SIGNALS:
            signal.signal(number, lambda number, frame: os._exit(status))

    def _leave(self) -> None:
        if os.getpid() != self._pid:
            return  # a process that this one forked
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                self._status = self._status or UNWRITTEN
        os._exit(self._status)


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
