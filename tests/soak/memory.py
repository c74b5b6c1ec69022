"""The memory of processes over time, and whether it is level: a line through it, with the interval of its slope."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from adapters.machine.beside import beside

MIB = 1 << 20
EVERY_SECONDS = 2.0
BLOCKS = 20  # that samples are averaged in: those of one block go together, blocks hardly do
LEAST_GROWTH, GROWTH_SHARE = 16 * MIB, 0.1  # level: what the line surely stays below over its whole length


@dataclass(frozen=True)
class Trend:
    """Bytes per second with the 95 % interval; ``mean`` and ``seconds`` are those of what was looked at."""

    slope: float
    low: float
    high: float
    mean: float
    seconds: float

    @property
    def is_level(self) -> bool:
        """Whether even the steepest line that fits grows by less than a tenth, or than 16 MiB."""
        return self.high * self.seconds < max(LEAST_GROWTH, GROWTH_SHARE * self.mean)

    def __str__(self) -> str:
        slope, low, high = (value * 60 / MIB for value in (self.slope, self.low, self.high))
        return f"{self.mean / MIB:.0f} MiB, {slope:+.2f} MiB per minute ({low:+.2f} to {high:+.2f})"


def trend(times: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the line through the samples, by least squares over the means of blocks."""
    blocks = min(BLOCKS, len(times) // 2)
    x = np.array([part.mean() for part in np.array_split(np.asarray(times, float), blocks)])
    y = np.array([part.mean() for part in np.array_split(np.asarray(values, float), blocks)])
    spread = ((x - x.mean()) ** 2).sum()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / spread)
    rest = y - y.mean() - slope * (x - x.mean())
    half = float(student.ppf(0.975, blocks - 2) * np.sqrt((rest**2).sum() / (blocks - 2) / spread))
    return Trend(slope, slope - half, slope + half, float(np.mean(values)), times[-1] - times[0])


class Samples:
    """Resident bytes by the part's name. ``parts``: returns the processes of each part as they are now."""

    def __init__(self, parts: Callable[[], Mapping[str, Sequence[int]]]) -> None:
        self._parts = parts
        self.times: list[float] = []
        self.values: dict[str, list[float]] = {}

    def take(self) -> None:
        """Sample each part once; one that has ended has 0."""
        self.times.append(time.monotonic())
        for name, pids in self._parts().items():
            values = self.values.setdefault(name, [0.0] * (len(self.times) - 1))
            values.append(float(sum(map(resident_bytes, pids))))

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Sample every few seconds during the block."""
        over = threading.Event()

        def sample() -> None:
            while not over.wait(EVERY_SECONDS):
                self.take()

        with beside(sample, over.set, "memory"):
            yield

    def trends(self, from_share: float) -> dict[str, Trend]:
        """Return the trend of each part after the first share of the samples, in which memory is filled."""
        first = int(from_share * len(self.times))
        return {name: trend(self.times[first:], values[first:]) for name, values in self.values.items()}


def resident_bytes(pid: int) -> int:
    """Return a process's resident memory; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
