"""What was measured of the log and of the answers in the last minutes, and the rates that follow. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

RATE_SECONDS = 15.0  # over which rates and the slope of the lag are taken
KEPT_SECONDS = 600.0
MOST_KEPT = 700


@dataclass(frozen=True)
class Sample:
    """One reading of ``status``. ``applied``, ``end``: offsets added up over the partitions; None: unknown.

    ``at`` is the wall clock in epoch seconds, ``age`` that of the oldest record that no answer holds yet, in seconds.
    """

    at: float
    applied: int
    end: int | None
    lag: int | None
    age: float | None

    @staticmethod
    def of(status: Mapping[str, Any], at: float) -> "Sample":
        """Return what a status says, read at that time."""
        end = status["end"]
        return Sample(
            at, sum((status["applied"] or {}).values()), None if end is None else sum(end.values()),
            status["lag_events"], status["freshness_seconds"],
        )  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """What the samples add up to; None where there are too few of them.

    ``applied_per_second``, ``arriving_per_second``: events. ``lag_slope``: events by which the lag grows per second.
    ``drained_in_seconds``: until the lag is gone, if it falls. ``age_p50``, ``age_p95``: seconds, over all samples.
    """

    applied_per_second: float | None = None
    arriving_per_second: float | None = None
    lag_slope: float | None = None
    drained_in_seconds: float | None = None
    age_p50: float | None = None
    age_p95: float | None = None
    age_over_seconds: float | None = None


@dataclass
class Samples:
    """The last samples, in the order in which they were taken."""

    kept: deque[Sample] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))

    def add(self, sample: Sample) -> None:
        """Keep a sample; those that are too old go, and all of them where the clock was set back."""
        if self.kept and sample.at <= self.kept[-1].at:
            self.kept.clear()
        self.kept.append(sample)
        while sample.at - self.kept[0].at > KEPT_SECONDS:
            self.kept.popleft()

    def since(self, at: float) -> list[dict[str, Any]]:
        """Return the samples that were taken later than that, with the rate since the one before each."""
        rows = list(self.kept)
        return [
            {**asdict(now), "applied_per_second": _rate(before.applied, now.applied, now.at - before.at)}
            for before, now in pairwise(rows)
            if now.at > at
        ]

    def figures(self) -> Figures:
        """Return the rates of the last seconds, and how old records became before answers held them."""
        if len(self.kept) < 2:
            return Figures()
        last = self.kept[-1]
        first = next(sample for sample in self.kept if last.at - sample.at <= RATE_SECONDS)
        if first is last:
            first = self.kept[-2]
        seconds = last.at - first.at
        slope = _rate(first.lag, last.lag, seconds)
        ages = sorted(sample.age for sample in self.kept if sample.age is not None)
        return Figures(
            _rate(first.applied, last.applied, seconds),
            _rate(first.end, last.end, seconds),
            slope,
            last.lag / -slope if last.lag and slope is not None and slope < 0 else None,
            _quantile(ages, 0.5),
            _quantile(ages, 0.95),
            last.at - self.kept[0].at,
        )


def _rate(before: int | None, now: int | None, seconds: float) -> float | None:
    return None if before is None or now is None else (now - before) / seconds


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least that share of the values does not exceed."""
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)] if ordered else None
