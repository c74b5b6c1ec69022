"""How long events took into the answers, as far as processes of this home have counted it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.telemetry.folder import Folder
from core.telemetry.families import COMMIT_DELAY_SECONDS, VISIBLE_SECONDS
from core.telemetry.joining import joined
from core.telemetry.quantiles import quantile

MEASURES = {
    "From the oldest record of a micro-batch entering the log to its commit": COMMIT_DELAY_SECONDS,
    "From a post's acknowledgement to the first answer that can hold it": VISIBLE_SECONDS,
}


@dataclass(frozen=True)
class Distribution:
    """``counts``: by bucket, the last one beyond all ``bounds`` (seconds, rising); ``p50``, ``p95``: seconds."""

    name: str
    bounds: Sequence[float]
    counts: Sequence[int]
    p50: float | None
    p95: float | None


def distributions(home: Path) -> list[Distribution]:
    """Return what ``up`` and ``serve`` counted since they were last started in this home; empty if nothing."""
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
