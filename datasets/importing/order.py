"""Puts events in order of time without holding all of them in memory, and cuts a share of them."""

from collections.abc import Iterable, Iterator

import numpy as np

from datasets.importing.runs import Runs, Timed
from datasets.mapping.by_columns import Made

RUN_EVENTS = 250_000  # about 100 MB; more than that are sorted in runs on disk and merged


class TimeOrder:
    """All events of an import in order of event time; events of one time stay in file order."""

    def __init__(self, events: Iterable[Made], run_events: int = RUN_EVENTS) -> None:
        self._runs: Runs | None = None
        self._times, self._users, self._texts = list[int](), list[str](), list[bytes]()  # columns cost the least
        self.count = 0
        for made in events:
            if len(self._times) >= run_events:
                self._spill()
            self._times += made.times
            self._users += made.users
            self._texts += made.texts
            self.count += len(made.times)

    def blocks(self, first: int = 0, last: int | None = None) -> Iterator[Timed]:
        """Yield the events from place ``first`` (from 0) up to ``last`` (exclusive), some at once; can be read once."""
        held = self._sorted()
        until, place = self.count if last is None else last, 0
        for block in self._runs.merged(held) if self._runs else held.blocks():
            if place >= until:
                return
            size = len(block.texts)
            if first <= place and place + size <= until:
                yield block
            elif place + size > first:
                yield block.part(max(0, first - place), until - place)
            place += size

    def _sorted(self) -> Timed:
        return Timed(np.array(self._times, np.int64), self._users, self._texts).in_order()

    def _spill(self) -> None:
        self._runs = self._runs or Runs()
        self._runs.write(self._sorted())
        for column in (self._times, self._users, self._texts):
            column.clear()


def cut(count: int, from_fraction: float, until_fraction: float, limit: int | None) -> tuple[int, int]:
    """Return the places (first, last) of a share of ``count`` ordered events; two shares that meet never overlap.

    >>> cut(10, 0.0, 0.7, None), cut(10, 0.7, 1.0, None)
    ((0, 7), (7, 10))
    """
    first, last = round(count * from_fraction), round(count * until_fraction)
    return first, min(last, first + limit) if limit is not None else last
