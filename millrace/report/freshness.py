"""How long events took into the answers: as the speed layer records it, and as servers of this home see it."""

from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.telemetry.folder import Folder
from core.telemetry.delays import BOUNDS_MS, Delays
from core.telemetry.families import FRESH_SECONDS, VISIBLE_SECONDS
from core.telemetry.joining import joined
from core.telemetry.quantiles import quantile

RECORDED = "From an event entering the log to the commit that brought it into the answers"
MEASURES = {"From a post's acknowledgement to the first answer that can hold it": VISIBLE_SECONDS}


@dataclass(frozen=True)
class Distribution:
    """``counts``: by bucket, the last one beyond all ``bounds`` (seconds, rising); ``p50``, ``p95``: seconds."""

    name: str
    bounds: Sequence[float]
    counts: Sequence[int]
    p50: float | None
    p95: float | None


def recorded(delays: Delays) -> list[Distribution]:
    """Return the record of the speed layer, which outlives its processes; empty if nothing is recorded."""
    if not delays.events:
        return []
    counts = [0] * (len(FRESH_SECONDS) + 1)
    for bucket, events in delays.counts.items():
        longest = BOUNDS_MS[bucket] / 1000 if bucket < len(BOUNDS_MS) else float("inf")
        counts[bisect_left(FRESH_SECONDS, longest)] += events
    return [Distribution(RECORDED, FRESH_SECONDS, counts, delays.seconds(0.5), delays.seconds(0.95))]


def distributions(home: Path) -> list[Distribution]:
    """Return what servers counted since they were last started in this home; empty if nothing."""
    folders = []
    with suppress(OSError):
        for path in sorted((home / "metrics").iterdir()):
            with suppress(OSError, ValueError):
                folders.append(Folder(path).numbers())
    numbers, known = joined(folders), []
    for name, family in MEASURES.items():
        cells = numbers.get((family.name, ()), ())
        counts = [int(cell) for cell in cells[: len(family.buckets) + 1]]
        if any(counts):
            p50, p95 = (quantile(family.buckets, cells, share) for share in (0.5, 0.95))
            known.append(Distribution(name, family.buckets, counts, p50, p95))
    return known
