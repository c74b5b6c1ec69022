"""How large the next micro-batch should be, by what waits and by what earlier ones took."""

from dataclasses import dataclass

from core.control.boundaries import reaches
from schemas.control import Offsets

AIM_SECONDS = 4.0  # larger micro-batches cost less per event, and readers wait for them
FIRST_RECORDS = 100_000


@dataclass
class Pace:
    """Sizes of large micro-batches: what the last one's rate achieves in ``AIM_SECONDS``, at most ``most`` records."""

    most: int
    _size: int = FIRST_RECORDS

    def took(self, records: int, seconds: float) -> None:
        """Note a micro-batch; at most twice as large a one comes next, as its rate may have been luck."""
        aim = int(records / max(seconds, 1e-3) * AIM_SECONDS)
        self._size = max(1, min(aim, 2 * records, self.most))

    def end(self, start: Offsets, log_end: Offsets) -> Offsets:
        """Where a micro-batch from ``start`` on ends: an equal share of each partition, the rest where more waits."""
        left, room = {p: log_end[p] - offset for p, offset in start.items()}, min(self._size, self.most)
        to = dict(start)
        while room > 0 and not reaches(to, log_end):
            behind = [p for p in to if to[p] < log_end[p]]
            share = max(1, room // len(behind))
            for p in behind:
                step = min(share, start[p] + left[p] - to[p], room)
                to[p] += step
                room -= step
        return to


def lag(start: Offsets, log_end: Offsets) -> int:
    """How many offsets of the log follow ``start``."""
    return sum(max(0, log_end[p] - offset) for p, offset in start.items() if p in log_end)
