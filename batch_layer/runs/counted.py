"""Whether anything counted in a run: success is never reported where every event was rejected. Pure."""

from core.events.remedies import remedy
from schemas.errors import MillraceError
from schemas.metrics import Measured
from schemas.rules import Rules


class NothingCounted(MillraceError):
    """The generation is published and exact, and holds none of the events that it was made for."""


def require_counted(generation: str, measured: Measured, rules: Rules, scheduled: bool) -> None:
    """Raise ``NothingCounted`` when there were events and all of them were rejected.

    When the generation holds no event, all events are judged. Otherwise those since the last generation are judged, and
    only in a run by hand: the person who sent them is waiting for them, whereas a schedule at night may meet a single
    stray record. An empty log, and a run without new events, are successes.
    """
    rejected = measured.rejected if not measured.events else {}
    if not rejected and not scheduled and measured.new_events == 0:
        rejected = measured.new_rejected
    if not rejected:
        return
    count, every = sum(rejected.values()), "new " if measured.events else ""
    ordered = sorted(rejected.items(), key=lambda row: (-row[1], row[0]))
    by_reason = ", ".join(f"{n:,} as {reason}" for reason, n in ordered)
    first = ordered[0][0]
    raise NothingCounted(
        f"generation {generation} is published, but none of the {count:,} {every}events counted: all were rejected, "
        f"{by_reason}. {first}: {remedy(first, rules)}. `millrace rejected list` shows them"
    )
