"""How long it takes until answers hold what was posted: measured on clients' own events, which need no probe."""

import asyncio
import time
from collections.abc import Mapping

from adapters.telemetry.counting import observe
from core.telemetry.families import VISIBLE_SECONDS
from schemas.control import Offsets
from serving_layer.reading.views import Views

EVERY_SECONDS = 1.0  # one post is watched in that time at most
LOOK_SECONDS = 0.02  # as often as the views are looked at
GIVE_UP_SECONDS = 120.0  # counted as that long


class Visibility:
    """Watches one post at a time, from its acknowledgement on."""

    def __init__(self, views: Views) -> None:
        self._views, self._next = views, float("-inf")
        self._watch: asyncio.Task[None] | None = None

    def note(self, positions: Mapping[int, int]) -> None:
        """Watch these offsets unless another post is watched; called on the event loop."""
        now = time.monotonic()
        if positions and now >= self._next and (self._watch is None or self._watch.done()):
            self._next = now + EVERY_SECONDS
            self._watch = asyncio.get_running_loop().create_task(self._until_held(dict(positions), now))

    async def _until_held(self, positions: Offsets, began: float) -> None:
        while time.monotonic() - began < GIVE_UP_SECONDS:
            moment = self._views.current()
            if moment is not None and moment.holds(positions):
                break
            await asyncio.sleep(LOOK_SECONDS)
        observe(VISIBLE_SECONDS, value=time.monotonic() - began)
