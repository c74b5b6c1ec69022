"""Serving processes that keep rows in memory: they look at the records now and then, and answer in between."""

from dataclasses import dataclass, field
from typing import Any

from core.control.boundaries import reaches
from schemas.control import Offsets
from serving_layer.reading.answering import answer
from serving_layer.reading.follower import Follower
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.exact.reading import read_all

SMALL_BYTES = 6_000  # a cache that must let rows go all the time


@dataclass(eq=False)
class Followed:
    """One process. ``looking``: a look of its stands still, and it has one thread for looks."""

    views: Views
    looking: bool = False
    follower: Follower = field(init=False)
    _last: tuple[int | None, Offsets] | None = None
    _back: bool = False  # what happened since its last look may set it back

    def __post_init__(self) -> None:
        self.follower = self.views.follower = Follower(self.views)

    def look(self) -> None:
        self.looking = True
        self.follower.look()
        self.follower.warm()
        self.looking = self._back = False

    def read(self) -> tuple[Snapshot, dict[str, Any]]:
        return answer(self.views, read_all)

    def may_go_back(self) -> None:
        self._back, self._last = True, None

    def require_forward(self, snapshot: Snapshot) -> None:
        """No answer goes back behind the one before."""
        if self._back:
            return
        epoch, offsets = self._last or (None, {})
        if epoch == snapshot.epoch:
            assert reaches(snapshot.offsets, offsets), f"went back from {offsets} to {snapshot.offsets}"
        self._last = snapshot.epoch, snapshot.offsets
