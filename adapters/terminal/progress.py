"""What long work is doing and how far it is, for who is watching: on stderr, and only if that is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from core.text.visible import visible

if TYPE_CHECKING:
    from rich.progress import Progress

SHOWN_EVERY = 1_000  # of what is counted one by one

T = TypeVar("T")
_shown: "list[Progress]" = []  # the display of the outermost work; inner work has a line of its own in it


class Reached(Protocol):
    """Takes how much is done, the total if it was not known before, and what is being done now."""

    def __call__(self, done: int, of: int | None = None, /, *, now: str = "") -> None: ...


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Reached]:
    """A line while the block runs, with the time it took so far; what is said meanwhile stands above it."""
    if not sys.stderr.isatty():
        yield _unseen
        return
    with _display() as display:
        task = display.add_task(visible(what), total=total, count="")

        def reached(done: int, of: int | None = None, /, *, now: str = "") -> None:
            whole = total if of is None else of
            count = f"{done:,}" if whole is None else f"{done:,} of {whole:,}"
            text = visible(f"{what}: {now}" if now else what)
            display.update(task, completed=done, total=whole, count=count, description=text)

        try:
            yield reached
        finally:
            display.remove_task(task)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """As ``progress``, for work of which nothing can be counted."""
    with progress(what):
        yield


def watched(what: str, things: Iterable[T], total: int | None = None, every: int = SHOWN_EVERY) -> Iterator[T]:
    """The things as they come, with how many were taken so far."""
    with progress(what, total) as reached:
        for number, thing in enumerate(things):
            if number % every == 0:
                reached(number)
            yield thing


def _unseen(done: int, of: int | None = None, /, *, now: str = "") -> None:
    """Nobody watches."""


@contextmanager
def _display() -> "Iterator[Progress]":
    if _shown:
        yield _shown[0]
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    texts = [TextColumn(form, markup=False) for form in ("{task.description}", "{task.fields[count]}")]
    columns = (SpinnerColumn(), texts[0], BarColumn(), texts[1], TimeElapsedColumn())
    both = sys.stdout.isatty()  # else stdout is data, which is not for the screen
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=both) as display:
        _shown.append(display)
        try:
            yield display
        finally:
            _shown.clear()
