"""Shows what long work is doing and how far it has come: on stderr, and only if that is a terminal."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from adapters.terminal.reporting import writes_json
from core.text.visible import visible

if TYPE_CHECKING:
    from rich.progress import Progress

SHOWN_EVERY = 1_000  # things, where they are counted one by one

T = TypeVar("T")
_shown: "list[Progress]" = []  # the display of the outermost work; inner work adds a line to it


class Reached(Protocol):
    """Takes the amount done, the total if it was not known before, and what is being done now."""

    def __call__(self, done: int, of: int | None = None, /, *, now: str = "") -> None: ...


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Reached]:
    """Show a line while the block runs, with the elapsed time; lines reported meanwhile appear above it."""
    if not sys.stderr.isatty() or writes_json():
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
    """Show as ``progress`` does that work is under way which cannot be counted."""
    with progress(what):
        yield


def watched(what: str, things: Iterable[T], total: int | None = None, every: int = SHOWN_EVERY) -> Iterator[T]:
    """Yield the things, and show how many were taken so far."""
    with progress(what, total) as reached:
        for number, thing in enumerate(things):
            if number % every == 0:
                reached(number)
            yield thing


def _unseen(done: int, of: int | None = None, /, *, now: str = "") -> None:
    """Show nothing: stderr is not a terminal."""


@contextmanager
def _display() -> "Iterator[Progress]":
    if _shown:
        yield _shown[0]
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    texts = [TextColumn(form, markup=False) for form in ("{task.description}", "{task.fields[count]}")]
    columns = (SpinnerColumn(), texts[0], BarColumn(), texts[1], TimeElapsedColumn())
    both = sys.stdout.isatty()  # otherwise stdout is data, which is not for the screen
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=both) as display:
        _shown.append(display)
        try:
            yield display
        finally:
            _shown.clear()
