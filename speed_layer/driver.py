"""The micro-batch by contract §5 rule 3: decides its range and attempt, runs the steps, commits."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from adapters.records.control import change_control, change_position, read_control, read_position, require_rules
from adapters.stores.port import ViewStore
from core.control.boundaries import latest, reaches
from core.control.changes import (
    base_generation,
    check_speed_log,
    commit,
    first_position,
    needs_new_epoch,
    new_epoch,
    plan,
    register,
)
from schemas.control import Control, Offsets, Position
from schemas.errors import MillraceError, StoreUnavailable
from schemas.rules import Rules
from speed_layer.measured import count_interruption
from speed_layer.steps.micro_batch import MicroBatch, Places, Tally
from speed_layer.steps.rows import Displaced

Compute = Callable[[MicroBatch], Tally]
PAUSES_SECONDS = (0.1, 0.3, 1.0, 2.0, 5.0)


class StartOver(MillraceError):
    """The log must be read again from the position: a new epoch began, or the engine is elsewhere."""


@dataclass
class SpeedDriver:
    """Owns the position record while it runs; ``say`` gets one line per event that a person should know of."""

    batch_views: ViewStore
    speed_views: ViewStore
    rules: Rules
    places: Places
    owner: str
    say: Callable[[str], None]
    fault: Callable[[str], None] = lambda _: None  # tests end the process at a named step

    def take_over(self, log_start: Offsets | None = None) -> Position:
        """Make this process the owner of the position; begin a new epoch where rules 8 and 9 ask for one.

        ``log_start``: the first offsets that the log still holds; a position behind them is given up when the active
        generation covers what is gone.

        Raises:
            SettingsError: a generation made by other rules was published meanwhile (14), or the speed views belong to
                another log.
        """
        while True:
            position = read_position(self.speed_views)  # first: a control record read before might not know its plan
            control = self._control()
            require_rules(control, self.rules)
            check_speed_log(position.log if position else None, control.log)
            why = needs_new_epoch(control, position) or self._missing_base(control, position)
            if not why and position is not None and _only_generation_covers(log_start or {}, control, position):
                why = "the log no longer holds what follows the position, but the active generation does"
            if why or position is None:
                self._begin_epoch(control, position, why or "")
                continue
            signed = replace(position, owner=self.owner, life=uuid.uuid4().hex, log=control.log)
            mine = change_position(self.speed_views, position, signed)
            if mine is not None:
                return mine

    def run(self, to: Offsets, compute: Compute, start: Offsets | None = None) -> Tally:
        """Apply everything from the committed position up to ``to``; repeats attempts until one commits.

        ``start``: from where on ``compute`` sees the log; a position before it cannot be continued from.

        Raises:
            Displaced: another owner holds the position.      StartOver: a new epoch must be read from its start.
        """
        for pause in (*PAUSES_SECONDS, None):
            try:
                return self._attempt(to, compute, start)
            except StoreUnavailable as error:
                if pause is None:
                    raise
                count_interruption("store")
                self.say(f"a view store did not answer, trying again in {pause:g} s: {error}")
                time.sleep(pause)
        raise AssertionError("unreachable")

    def look(self) -> None:
        """Check between micro-batches what an attempt would check, as the next event may be far away.

        Raises:
            Displaced: another owner holds the position.      StartOver: a new epoch must be read from its start.
        """
        position = read_position(self.speed_views)
        if position is not None and position.owner != self.owner:
            raise Displaced(f"the speed layer {position.owner or '(none)'} took over")
        if why := needs_new_epoch(self._control(), position):
            raise StartOver(why)

    def release(self) -> None:
        """Leave the position without an owner."""
        position = read_position(self.speed_views)
        if position is not None and position.owner == self.owner:
            change_position(self.speed_views, position, replace(position, owner=""))

    def _attempt(self, to: Offsets, compute: Compute, start: Offsets | None) -> Tally:
        position = read_position(self.speed_views)
        if position is None:
            raise StartOver("the speed store lost its position")
        if position.owner != self.owner:
            raise Displaced(f"the speed layer {position.owner or '(none)'} took over")
        if reaches(position.offsets, to):
            return Tally()
        if start is not None and not reaches(position.offsets, start):
            raise StartOver("the position lies before what the engine read, as after a restored store")
        control = change_control(self.batch_views, lambda control: plan(control, to))
        self.fault("planned")
        if why := needs_new_epoch(control, position) or self._missing_base(control, position):
            raise StartOver(why)
        batch = self._register(control, position, to)
        self.fault("registered")
        tally = compute(batch)
        self.fault("written")
        self._require_bases(batch)
        done = commit(batch.position, to)
        if change_position(self.speed_views, batch.position, done, writes=tally.puts) is None:
            self._say_void(batch)
            return self._attempt(to, compute, start)
        self.fault("committed")
        return tally

    def _register(self, control: Control, position: Position, to: Offsets) -> MicroBatch:
        begun = change_position(self.speed_views, position, register(position))
        if begun is None:
            raise Displaced("another speed layer changed the position")
        bases = {p: base_generation(control, position, p) for p in position.offsets}
        names = {p: None if base is None else base.id for p, base in bases.items()}
        shown = latest(position.earlier, control.active_boundary.offsets)
        return MicroBatch(begun, to, control.boundaries, names, self.rules, self.places, shown)

    def _require_bases(self, batch: MicroBatch) -> None:
        """Void the attempt if a base generation was dropped meanwhile: it may have answered with nothing (rule 8)."""
        control = self._control()
        if any(base is not None and control.generation(base) is None for base in batch.bases.values()):
            raise StartOver("a generation whose histories were needed was dropped")

    def _say_void(self, batch: MicroBatch) -> None:
        """Report a refused commit: Displaced, or the store lost writes (rule 13) and a new attempt repeats them."""
        position = read_position(self.speed_views)
        if position is not None and position != batch.position and position.owner != self.owner:
            raise Displaced(f"the speed layer {position.owner or '(none)'} took over")
        count_interruption("void")
        self.say(f"attempt {batch.position.registered} is void, the store lost some of its writes; repeating it")

    def _missing_base(self, control: Control, position: Position | None) -> str | None:
        try:
            for partition in position.offsets if position else ():
                base_generation(control, position or first_position(control, ""), partition)
        except LookupError as error:
            return str(error)
        return None

    def _begin_epoch(self, control: Control, position: Position | None, why: str) -> None:
        """Create a new epoch's position, once: only the process whose compare-and-set made the epoch does (rule 9)."""
        if control.epoch > 0 or position is not None:
            self.say(f"a new epoch begins at the active generation's boundary: {why}")
        seen, made, last = control.epoch, False, position.epoch if position else 0

        def next_epoch(newest: Control) -> Control:
            nonlocal made
            made = newest.epoch == seen
            return new_epoch(newest, last) if made else newest

        control = change_control(self.batch_views, next_epoch)
        self.fault("epoch")
        if made:
            first = first_position(control, self.owner)
            if position is not None:
                first = replace(first, earlier=latest(position.earlier, position.offsets))
            change_position(self.speed_views, position, first)

    def _control(self) -> Control:
        control = read_control(self.batch_views)
        if control is None:
            raise MillraceError(
                "the control record is gone: see 'Loss of the control record' in docs/operations/stores.md"
            )
        return control


def _only_generation_covers(log_start: Offsets, control: Control, position: Position) -> bool:
    return not reaches(position.offsets, log_start) and reaches(control.active_boundary.offsets, log_start)
