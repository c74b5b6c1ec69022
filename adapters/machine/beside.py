"""Runs work on a thread for the length of a block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[], object], stop: Callable[[], object], name: str) -> Iterator[None]:
    """Run ``work`` on a thread during the block; at its end call ``stop`` and wait for the work to end.

    Raises: what the work raised, unless the block itself failed.
    """
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
    if failures:
        raise failures[0]
