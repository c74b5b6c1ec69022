"""What a test must not leave behind in its process, where it would meddle with the next one: threads, and reports."""

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from adapters.terminal.log_lines import OURS as REPORTS
from adapters.terminal.reporting import TEXT, use_format

OURS = {"adapters", "batch_layer", "core", "datasets", "millrace", "recommenders", "serving_layer", "speed_layer"}
LASTING = {"children"}  # starts every child process, so it lives as long as this process
SHARED = {"acknowledgements"}  # begins in the test that first posts to a server, which others may share
PATIENCE_SECONDS = 300.0  # that a thread may take to end by itself: it may be compiling, or wait for a lost server


@contextmanager
def nothing_left(name: str, but: Collection[str] = ()) -> Iterator[None]:
    """Fail after the block, naming it, if a thread of ours that began in it, ``but`` these, does not end."""
    before = set(threading.enumerate())
    yield
    _report_as_before()
    deadline = time.monotonic() + PATIENCE_SECONDS
    left = [thread for thread in threading.enumerate() if thread not in before and is_ours(thread)]
    left = [thread for thread in left if thread.name not in but]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    running = sorted(thread.name for thread in left if thread.is_alive())
    assert not running, f"{name} left threads behind that do not end: {', '.join(running)}"
    if not but:  # a browser's driver lasts as long as its file
        assert asyncio._get_running_loop() is None, f"{name} left an event loop in the main thread"


def is_ours(thread: threading.Thread) -> bool:
    """Whether a running thread runs a function of Millrace and is meant to end."""
    target = getattr(thread, "_target", None)  # there as long as it runs
    module = getattr(target, "__module__", None) or ""
    return module.partition(".")[0] in OURS and thread.name not in LASTING


def _report_as_before() -> None:
    """A command that ran in this process has set where and how its reports go."""
    use_format(TEXT)
    reports = logging.getLogger(REPORTS)
    reports.handlers.clear()
    reports.propagate = True
    reports.setLevel(logging.NOTSET)
