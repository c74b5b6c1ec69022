"""The numbers of processes that answer together, one pair of files each. Those of ended processes stay counted.

A process holds a lock on its file for as long as it lives. Whoever reads the folder adds the numbers of ended ones to
``ended.json`` and removes their files, so that a counter never falls when a worker is started again.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.telemetry.cells import NAMES, NUMBERS, Cells, stored_numbers
from core.telemetry.joining import Key, joined, lasting

ENDED, LOCK = "ended.json", ".lock"


class Folder:
    """One folder of numbers, which is made if it is missing."""

    def __init__(self, path: Path) -> None:
        self.path = self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def cells(self) -> Cells:
        """Return cells of this process, counted in the folder as long as it is there."""
        with self._locked():  # or another process might take them for those of an ended one
            cells = Cells(self._path / f"{os.getpid()}-{uuid.uuid4().hex[:8]}")
            assert cells.descriptor is not None
            fcntl.flock(cells.descriptor, fcntl.LOCK_EX)
        return cells

    def numbers(self) -> dict[Key, tuple[float, ...]]:
        """Return the numbers of all processes, the ended ones included."""
        with self._locked():
            stems = [path.with_suffix("") for path in sorted(self._path.glob(f"*{NUMBERS}"))]
            ended = [stem for stem in stems if _has_ended(stem)]
            before = self._bury(ended)
            return joined([before, *(stored_numbers(stem) for stem in stems if stem not in ended)])

    def _bury(self, ended: list[Path]) -> dict[Key, tuple[float, ...]]:
        """Add what ended processes counted to what is kept, and remove their files; return all of it.

        The kept file names those that it holds, so that a removal that was cut short is not counted again.
        """
        file = self._path / ENDED
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"held": [], "numbers": []}
        numbers = {(name, tuple(labels)): tuple(cells) for name, labels, cells in kept["numbers"]}
        fresh = [stem for stem in ended if stem.name not in kept["held"]]
        if fresh:
            numbers = joined([numbers, *(lasting(stored_numbers(stem)) for stem in fresh)])
            rows = [[name, list(labels), list(cells)] for (name, labels), cells in numbers.items()]
            written = file.with_suffix(".new")
            written.write_text(json.dumps({"held": [stem.name for stem in ended], "numbers": rows}), encoding="utf-8")
            written.replace(file)
        for stem in ended:
            for suffix in (NAMES, NUMBERS):  # the numbers last: they are what is looked for
                stem.with_suffix(suffix).unlink(missing_ok=True)
        return numbers

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._path / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def new_folder(path: Path) -> Path:
    """Return the folder, emptied: what an earlier run left is of processes that have ended."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _has_ended(stem: Path) -> bool:
    with stem.with_suffix(NUMBERS).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
