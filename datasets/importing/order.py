"""Puts events in order of time without holding all of them in memory, and cuts a share of them."""

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import IO

from datasets.mapping.by_columns import Line

RUN_EVENTS = 250_000  # about 100 MB; more than that are sorted in runs on disk and merged
_BLOCK = 5_000


Timed = tuple[int, str, bytes]  # event time, epoch ms; user; the event's JSON
_by_time = itemgetter(0)


class TimeOrder:
    """All events of an import in order of event time; events of one time stay in file order."""

    def __init__(self, events: Iterable[Line], run_events: int = RUN_EVENTS) -> None:
        self._runs: list[IO[bytes]] = []
        self._tail: list[Timed] = []
        self.count = 0
        timed = (line[:3] for line in events)
        while run := list(islice(timed, run_events)):
            self._spill()
            self._tail = sorted(run, key=_by_time)
            self.count += len(run)

    def lines(self, first: int = 0, last: int | None = None) -> Iterator[Timed]:
        """Yield the events from place ``first`` (from 0) up to ``last`` (exclusive) in the order; can be read once."""
        runs = [_replayed(run) for run in self._runs]
        # The merge is stable: equal times stay in the order of the runs.
        merged = heapq.merge(*runs, self._tail, key=_by_time) if runs else self._tail
        return islice(merged, first, last)

    def _spill(self) -> None:
        if not self._tail:
            return
        run = tempfile.TemporaryFile(prefix="millrace-sort-")  # noqa: SIM115 - closed when read
        for start in range(0, len(self._tail), _BLOCK):
            pickle.dump(self._tail[start : start + _BLOCK], run, pickle.HIGHEST_PROTOCOL)
        self._runs.append(run)


def _replayed(run: IO[bytes]) -> Iterator[Timed]:
    run.seek(0)
    with run:
        while True:
            try:
                yield from pickle.load(run)  # noqa: S301 - written by this process
            except EOFError:
                return


def cut(count: int, from_fraction: float, until_fraction: float, limit: int | None) -> tuple[int, int]:
    """Return the places (first, last) of a share of ``count`` ordered events; two shares that meet never overlap.

    >>> cut(10, 0.0, 0.7, None), cut(10, 0.7, 1.0, None)
    ((0, 7), (7, 10))
    """
    first, last = round(count * from_fraction), round(count * until_fraction)
    return first, min(last, first + limit) if limit is not None else last
