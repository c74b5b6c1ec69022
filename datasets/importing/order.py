"""Puts events in order of time without holding all of them in memory, and cuts a share of them."""

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import IO

from datasets.mapping.by_columns import Made

RUN_EVENTS = 250_000  # about 100 MB; more than that are sorted in runs on disk and merged
_BLOCK = 5_000
Timed = tuple[int, str, bytes]  # event time, epoch ms; user; the event's JSON


class TimeOrder:
    """All events of an import in order of event time; events of one time stay in file order."""

    def __init__(self, events: Iterable[Made], run_events: int = RUN_EVENTS) -> None:
        self._runs: list[IO[bytes]] = []
        self._times, self._users, self._texts = list[int](), list[str](), list[bytes]()  # columns cost the least
        self.count = 0
        for made in events:
            if len(self._times) >= run_events:
                self._spill()
            self._times += made.times
            self._users += made.users
            self._texts += made.texts
            self.count += len(made.times)

    def lines(self, first: int = 0, last: int | None = None) -> Iterator[Timed]:
        """Return the events from place ``first`` (from 0) up to ``last`` (exclusive) in the order; can be read once."""
        if not self._runs:
            return islice(self._sorted(), first, last)
        runs = [*map(_replayed, self._runs), self._sorted()]
        # The merge is stable: equal times stay in the order of the runs.
        return islice(heapq.merge(*runs, key=itemgetter(0)), first, last)

    def _sorted(self) -> Iterator[Timed]:
        order = sorted(range(len(self._times)), key=self._times.__getitem__)
        return zip(*(map(column.__getitem__, order) for column in (self._times, self._users, self._texts)), strict=True)

    def _spill(self) -> None:
        run, rows = tempfile.TemporaryFile(prefix="millrace-sort-"), self._sorted()  # noqa: SIM115 - closed when read
        while block := list(islice(rows, _BLOCK)):
            pickle.dump(block, run, pickle.HIGHEST_PROTOCOL)
        self._runs.append(run)
        for column in (self._times, self._users, self._texts):
            column.clear()


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
