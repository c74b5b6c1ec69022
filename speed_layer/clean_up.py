"""Deletes what no reader can need: ended segments, earlier epochs (rule 11), lists of what old attempts wrote."""

import time
from dataclasses import dataclass, field

from adapters.records.books import SPEED, TOUCHED, touched_space
from adapters.records.control import read_control, read_position
from core.control.boundaries import reaches
from core.rows import touched
from schemas.control import Control, Position
from speed_layer.driver import SpeedDriver

LOOK_EVERY_SECONDS = 10.0
LISTS_PER_CALL = 8  # deleted at once: a few milliseconds, as this runs between micro-batches


@dataclass
class CleanUp:
    """Looks every ten seconds and deletes a space that has been dead for the whole grace period."""

    driver: SpeedDriver
    grace_seconds: float
    _looked: float = field(default_factory=time.monotonic)
    _dead_since: dict[str, float] = field(default_factory=dict)
    _old_lists: list[str] = field(default_factory=list)

    def maybe(self) -> None:
        """Clean up if the last look was long enough ago; called between micro-batches."""
        now = time.monotonic()
        for space in self._old_lists[:LISTS_PER_CALL]:
            self.driver.speed_views.delete(SPEED, space)
        del self._old_lists[:LISTS_PER_CALL]
        if now - self._looked < LOOK_EVERY_SECONDS:
            return
        self._looked = now
        control, position = read_control(self.driver.batch_views), read_position(self.driver.speed_views)
        if control is None or position is None or position.owner != self.driver.owner:
            return
        spaces = self.driver.speed_views.spaces(SPEED)
        self._old_lists = old_lists(spaces, position)
        dead = dead_spaces(spaces, control)
        self._dead_since = {space: self._dead_since.get(space, now) for space in dead}
        for space, since in self._dead_since.items():
            if now - since >= self.grace_seconds:
                self.driver.speed_views.delete(SPEED, space)


def dead_spaces(spaces: set[str], control: Control) -> set[str]:
    """Return the spaces that neither a reader nor the fold can still need."""
    ended = {
        earlier.id
        for earlier, later in zip(control.boundaries, control.boundaries[1:], strict=False)
        if reaches(control.floor, later.offsets)
    }
    known = {boundary.id for boundary in control.boundaries}
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


def old_lists(spaces: set[str], position: Position) -> list[str]:
    """Return the spaces that list the rows of old attempts, or of an earlier life; readers do not need them."""
    last = position.attempt - touched.KEPT_ATTEMPTS
    lists = [space for space in spaces if space.startswith(f"{position.epoch}/{TOUCHED}-")]
    attempts = {space: int(space.rpartition("-")[2]) for space in lists}
    return [space for space, number in attempts.items() if number <= last or space != touched_space(position, number)]
