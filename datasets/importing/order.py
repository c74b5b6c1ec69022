"""Puts events in order of time without holding all of them in memory, and cuts a share of them."""

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import IO, Any, NamedTuple

import msgspec

RUN_EVENTS = 250_000  # about 100 MB; more than that are sorted in runs on disk and merged
_BLOCK = 5_000


class Line(NamedTuple):
    """One event as it is written: its JSON, and the fields that order and key it."""

    event_time: int  # epoch ms
    user_id: str
    text: bytes


_by_time = attrgetter("event_time")


class TimeOrder:
    """All events of an import in order of event time; events of one time stay in file order."""

    def __init__(self, events: Iterable[dict[str, Any]], run_events: int = RUN_EVENTS) -> None:
        self._runs: list[IO[bytes]] = []
        self._tail: list[Line] = []
        self._run_events = run_events
        self.count = 0
        for event in events:
            self._tail.append(Line(event["event_time"], event["user_id"], msgspec.json.encode(event)))
            self.count += 1
            if len(self._tail) == run_events:
                self._spill()
        self._tail.sort(key=_by_time)

    def lines(self, first: int = 0, last: int | None = None) -> Iterator[Line]:
        """Yield the events from place ``first`` (from 0) up to ``last`` (exclusive) in the order; can be read once."""
        runs = [_replayed(run) for run in self._runs]
        merged = heapq.merge(*runs, self._tail, key=_by_time)  # stable: equal times in the order of the runs
        for place, line in enumerate(merged):
            if last is not None and place >= last:
                return
            if place >= first:
                yield line

    def _spill(self) -> None:
        self._tail.sort(key=_by_time)
        run = tempfile.TemporaryFile(prefix="millrace-sort-")  # noqa: SIM115 - closed when read
        for start in range(0, len(self._tail), _BLOCK):
            pickle.dump(self._tail[start : start + _BLOCK], run, pickle.HIGHEST_PROTOCOL)
        self._runs.append(run)
        self._tail = []


def _replayed(run: IO[bytes]) -> Iterator[Line]:
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
