"""How far long work is, for who is watching: on stderr, and only if that is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from core.visible import visible


class Reached(Protocol):
    """Takes how much is done, and the total if it was not known before."""

    def __call__(self, done: int, of: int | None = None, /) -> None: ...


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator["Reached"]:
    """A bar while the block runs, with the time it took so far; call with the number done so far."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(visible(what), total=total)

        def reached(done: int, of: int | None = None) -> None:
            bar.update(task, completed=done, total=total if of is None else of)

        yield reached


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A moving sign while the block runs, for work whose end is not known."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(Text(what)):
        yield
