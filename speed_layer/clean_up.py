"""Deletes what no reader can need: segments below the floor, and rows of earlier epochs (rule 11)."""

import time
from dataclasses import dataclass, field

from adapters.records.books import SPEED
from adapters.records.control import read_control, read_position
from core.control.boundaries import reaches
from schemas.control import Control
from speed_layer.driver import SpeedDriver

LOOK_EVERY_SECONDS = 10.0


@dataclass
class CleanUp:
    """Looks now and then; deletes a space once it has been seen dead for the whole grace period."""

    driver: SpeedDriver
    grace_seconds: float
    _looked: float = field(default_factory=time.monotonic)
    _dead_since: dict[str, float] = field(default_factory=dict)

    def maybe(self) -> None:
        """Clean up if it is time to; called between micro-batches."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_SECONDS:
            return
        self._looked = now
        control, position = read_control(self.driver.batch_views), read_position(self.driver.speed_views)
        if control is None or position is None or position.owner != self.driver.owner:
            return
        dead = dead_spaces(self.driver.speed_views.spaces(SPEED), control)
        self._dead_since = {space: self._dead_since.get(space, now) for space in dead}
        for space, since in self._dead_since.items():
            if now - since >= self.grace_seconds:
                self.driver.speed_views.delete(SPEED, space)


def dead_spaces(spaces: set[str], control: Control) -> set[str]:
    """Those of the spaces that neither a reader nor the fold can need any more."""
    ended = {
        earlier.id
        for earlier, later in zip(control.boundaries, control.boundaries[1:], strict=False)
        if reaches(control.floor, later.offsets)
    }
    known = {each.id for each in control.boundaries}
    dead = set()
    for space in spaces:
        epoch, _, *segment = space.split("/")
        if int(epoch) < control.epoch:
            dead.add(space)
        elif int(epoch) == control.epoch and segment:
            number = int(segment[0])
            if number in ended or (number not in known and number < control.boundaries[0].id):
                dead.add(space)
    return dead
