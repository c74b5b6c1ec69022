"""The loop that makes an answer one snapshot of both views (contract §5 rule 6)."""

from collections.abc import Callable
from typing import TypeVar

from core.rows.tagged import NewerBase
from serving_layer.reading.patience import Lost, Patience
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import CATALOGUE_SIDE, SPEED_SIDE, Moved, Views

# Each takes milliseconds, a micro-batch some 200 ms: after so many the answer is given without the speed view.
MAX_TRIES = 25

T = TypeVar("T")


def answer(views: Views, compute: Callable[[Snapshot], T]) -> T:
    """``compute`` on one consistent reading; repeated from the start while the views change under it.

    ``compute`` must only read: it may run several times, on threads of its own. A store that is down, or on which the
    answer has waited for longer than its patience, is left out, and the snapshot says so.

    Raises:
        NotReady: neither view can be read.
    """
    without: dict[str, str] = {}
    patience, tries = Patience(views.patience_seconds), 0

    def attempt() -> T:
        snapshot = Snapshot.take(views, without)
        result = compute(snapshot)
        snapshot.confirm()
        return result

    while True:
        try:
            return patience.attempt(attempt)
        except (NewerBase, Moved):
            tries += 1
            if tries == MAX_TRIES:
                without[SPEED_SIDE] = "the speed view changes faster than it can be read"
        except Lost as lost:
            without = without | {lost.side: lost.why}
            patience = Patience(views.patience_seconds)  # the other side shall not pay for this one's time
            if lost.side == SPEED_SIDE:
                without[CATALOGUE_SIDE] = lost.why  # the same store
