"""What code calls where something happens. A process has one set of numbers, from its start on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.telemetry.cells import Cells
from adapters.telemetry.folder import Folder
from core.telemetry.families import Family
from core.telemetry.joining import Key

_here = Cells()
_folder: Folder | None = None


def count(family: Family, *labels: str, by: float = 1) -> None:
    """Add to a counter of this process."""
    _here.add(family, labels, by)


def level(family: Family, *labels: str, value: float) -> None:
    """Set a gauge of this process."""
    _here.put(family, labels, value)


def observe(family: Family, *labels: str, value: float) -> None:
    """Count a value, such as seconds, in a histogram of this process."""
    _here.observe(family, labels, value)


@contextmanager
def timed(family: Family, *labels: str) -> Iterator[None]:
    """Count the seconds that the block takes, unless it raises."""
    began = time.perf_counter()
    yield
    _here.observe(family, labels, time.perf_counter() - began)


def share_in(path: Path) -> None:
    """Keep this process's numbers in a folder from now on, with those of the other processes there."""
    global _here, _folder
    _folder = Folder(path)
    _here = _folder.cells()


def shared_in() -> Path | None:
    """Return the folder in which this process counts together with others; None where it is alone."""
    return None if _folder is None else _folder.path


def all_numbers() -> dict[Key, tuple[float, ...]]:
    """Return the numbers of this process, or of all that share its folder."""
    return _here.numbers() if _folder is None else _folder.numbers()
