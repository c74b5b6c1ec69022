"""How long events took, as counts in buckets: small, additive, within 19 % of what was measured. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.telemetry.quantiles import quantile

# Upper bounds in milliseconds, four per doubling, from 1 ms to 35 years.
BOUNDS_MS = tuple(sorted({round(2 ** (step / 4)) for step in range(161)}))
RUNS = 64  # of a batch of records
Arrivals = tuple[int, ...]  # of each run of records: when the oldest entered the log (epoch ms), how many there are


def arrivals(times: NDArray[np.int64]) -> Arrivals:
    """Return what is kept of when records entered the log: of up to 64 runs of neighbours the oldest and the number.

    The log's order is nearly that of arrival, so a run is short in time and no record counts as younger than it is.
    """
    if not len(times):
        return ()
    ends = np.linspace(0, len(times), min(len(times), RUNS) + 1).astype(np.int64)
    pairs = np.column_stack([np.minimum.reduceat(times, ends[:-1]), np.diff(ends)])
    return tuple(pairs.ravel().tolist())


@dataclass
class Delays:
    """``counts``: events by bucket.      ``most``: the longest delay, ms."""

    counts: Counter[int] = field(default_factory=Counter)
    most: int = 0

    def add(self, delay_ms: int, events: int) -> None:
        """Count that many events; a clock that was set back makes no delay negative."""
        delay = max(0, delay_ms)
        self.counts[bisect_left(BOUNDS_MS, delay)] += events
        self.most = max(self.most, delay)

    @staticmethod
    def joined(parts: "Iterable[Delays]") -> "Delays":
        """Return all parts together."""
        out = Delays()
        for part in parts:
            out.counts.update(part.counts)
            out.most = max(out.most, part.most)
        return out

    def without(self, part: "Delays") -> "Delays":
        """Return these delays less those of a part of them; the longest is not known of the rest."""
        return Delays(self.counts - part.counts, self.most)

    @property
    def events(self) -> int:
        """How many events were counted."""
        return self.counts.total()

    def seconds(self, share: float) -> float | None:
        """Return the seconds within which that share of the events was done, linear within its bucket."""
        cells = [self.counts.get(bucket, 0) for bucket in range(len(BOUNDS_MS) + 1)]
        delay = quantile(BOUNDS_MS, cells, share)
        return None if delay is None else min(delay, self.most) / 1000

    def packed(self) -> bytes:
        """Return the delays as bytes: the longest, then (bucket, events) of each bucket; 64-bit, little-endian."""
        pairs = [number for pair in sorted(self.counts.items()) for number in pair]
        return np.array([self.most, *pairs], "<i8").tobytes()

    @staticmethod
    def unpacked(data: bytes) -> "Delays":
        """Return what ``packed`` packed."""
        most, *pairs = np.frombuffer(data, "<i8").tolist()
        return Delays(Counter(dict(zip(pairs[::2], pairs[1::2], strict=True))), most)
