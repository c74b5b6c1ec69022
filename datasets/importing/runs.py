"""Sorted runs of events on disk, in one file, and their merge by whole blocks."""

import os
import struct
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 1_000  # events that are read of a run at once
_HEADER = struct.Struct("<3Q")  # a block's events, bytes of their users, bytes of their texts
_BETWEEN = b"\n"  # is in no user and in no event's JSON


class Timed(NamedTuple):
    """Events as columns: times in epoch ms, users, and the events as JSON."""

    times: NDArray[np.int64]
    users: Sequence[str]
    texts: Sequence[bytes]

    def in_order(self) -> "Timed":
        """Return the events by time; those of one time stay in their order."""
        times = self.times
        if (times[1:] >= times[:-1]).all():
            return self
        order = np.argsort(times, kind="stable")
        places = order.tolist()
        users, texts = list(map(self.users.__getitem__, places)), list(map(self.texts.__getitem__, places))
        return Timed(times[order], users, texts)

    def part(self, first: int, last: int) -> "Timed":
        """Return the events from place ``first`` up to ``last`` (exclusive)."""
        return Timed(self.times[first:last], self.users[first:last], self.texts[first:last])

    def blocks(self) -> "Iterator[Timed]":
        """Yield the events, some at once."""
        return (self.part(start, start + BLOCK) for start in range(0, len(self.texts), BLOCK))


class Runs:
    """Runs of events, each in order of time."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="millrace-sort-")  # noqa: SIM115 - closed with this object
        weakref.finalize(self, self._file.close)
        self._starts, self._end = list[int](), 0

    def write(self, events: Timed) -> None:
        """Keep a run."""
        self._starts.append(self._end)
        for block in events.blocks():
            users, texts = _BETWEEN.join(map(str.encode, block.users)), _BETWEEN.join(block.texts)
            header = _HEADER.pack(len(block.texts), len(users), len(texts))
            self._end += self._file.write(b"".join((header, block.times.tobytes(), users, texts)))

    def merged(self, last: Timed) -> Iterator[Timed]:
        """Yield all events by time; those of one time by their runs. Args: last: the run after those here."""
        self._file.flush()
        spans = zip(self._starts, [*self._starts[1:], self._end], strict=True)
        runs = [_Run(self._read(*span)) for span in spans] + [_Run(last.blocks())]
        while runs := [run for run in runs if run.has_more()]:
            yield _earliest(runs)

    def _read(self, start: int, end: int) -> Iterator[Timed]:
        file = self._file.fileno()
        while start < end:
            count, of_users, of_texts = _HEADER.unpack(os.pread(file, _HEADER.size, start))
            begin_users, start = 8 * count, start + _HEADER.size
            begin_texts = begin_users + of_users
            held = os.pread(file, begin_texts + of_texts, start)
            users, texts = held[begin_users:begin_texts].decode(), held[begin_texts:]
            yield Timed(np.frombuffer(held, np.int64, count), users.split("\n"), texts.split(_BETWEEN))
            start += len(held)


class _Run:
    """A run that is read: the block that was reached, and how many of its events were taken."""

    block: Timed

    def __init__(self, blocks: Iterator[Timed]) -> None:
        self._blocks, self.taken, self._size = blocks, 0, 0

    def has_more(self) -> bool:
        """Return whether events are left, of this block or of the next."""
        if self.taken < self._size:
            return True
        block = next(self._blocks, None)
        if block is None:
            return False
        self.block, self.taken, self._size = block, 0, len(block.texts)
        return True

    def take(self, last: int) -> Timed:
        """Return the events of the block up to place ``last``, but for those that were taken."""
        first, self.taken = self.taken, last
        return self.block.part(first, last)


def _earliest(runs: Sequence[_Run]) -> Timed:
    """Return, in order, the events that come before all that were not read yet: those up to the end of one block."""
    ends = [int(run.block.times[-1]) for run in runs]
    end = min(ends)
    ending = ends.index(end)  # the first of these runs, whose next block may begin with the same time
    parts = list[Timed]()
    for place, run in enumerate(runs):
        last = int(np.searchsorted(run.block.times, end, "right" if place <= ending else "left"))
        if last > run.taken:
            parts.append(run.take(last))
    if len(parts) == 1:
        return parts[0]
    times = np.concatenate([part.times for part in parts])
    users = list(chain.from_iterable(part.users for part in parts))
    texts = list(chain.from_iterable(part.texts for part in parts))
    return Timed(times, users, texts).in_order()
