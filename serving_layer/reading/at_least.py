"""Read your writes: an answer from a prefix of the log that holds at least the events that a client names."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from core.partitions.prefixes import WAIT_SECONDS
from schemas.control import Offsets
from schemas.errors import NotReady, Unprocessable
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.05  # between two looks at how far the views are
SLOWER = 1.2  # each pause takes so much longer than the one before

T = TypeVar("T")


class NotYet(NotReady):
    """The views do not hold what a client asks for; a retry may succeed. ``missing``: by partition."""

    def __init__(self, missing: Offsets, offsets: Offsets) -> None:
        self.missing = {str(p): {"at_least": o, "applied": offsets.get(p, 0)} for p, o in missing.items()}
        lacking = ", ".join(f"partition {p} is applied up to {offsets.get(p, 0)}, not {o}" for p, o in missing.items())
        super().__init__(f"the views do not hold at_least yet: {lacking}; ask again, or see `millrace status`")


@dataclass(frozen=True)
class AtLeast:
    """What an answer must hold, per partition every event below the offset, and how long it may wait for that."""

    offsets: Offsets = field(default_factory=dict)
    seconds: float = WAIT_SECONDS

    def require(self, snapshot: Snapshot) -> None:
        """Check that the snapshot holds it.

        Raises:
            NotYet: not yet.      Unprocessable: the log has no such partition.
        """
        if not self.offsets:
            return
        held = snapshot.offsets
        if unknown := sorted(set(self.offsets) - set(held)) if held else []:
            raise Unprocessable(
                f"at_least: the log has no partition {', '.join(map(str, unknown))}: it has 0 to {max(held)}"
            )
        missing = {p: offset for p, offset in sorted(self.offsets.items()) if held.get(p, 0) < offset}
        if missing:
            raise NotYet(missing, held)

    def of(self, compute: Callable[[Snapshot], T]) -> Callable[[Snapshot], T]:
        """Return ``compute`` of a snapshot that holds it."""
        if not self.offsets:
            return compute

        def checked(snapshot: Snapshot) -> T:
            self.require(snapshot)
            return compute(snapshot)

        return checked


def pauses() -> Iterator[float]:
    """Yield the seconds to wait before each next look: nearly all events are there after the first few."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * SLOWER, LONGEST_PAUSE_SECONDS)


def answer_at_least(views: Views, at_least: AtLeast, compute: Callable[[Snapshot], T]) -> T:
    """Compute on one consistent reading that holds so much; waits for one.

    Raises:
        NotReady: there is none in time.      Unprocessable: there never will be.
    """
    deadline, pause = time.monotonic() + at_least.seconds, pauses()
    while True:
        try:
            return answer(views, at_least.of(compute))
        except NotReady:
            if not at_least.offsets or time.monotonic() >= deadline:
                raise
            time.sleep(next(pause))
