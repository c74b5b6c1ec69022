"""Which part of the speed view counts in a snapshot, decided from the control record and the position."""

from adapters.records.books import SPEED
from adapters.records.control import log_of
from core.control.boundaries import latest, reaches
from core.control.changes import is_of, is_ours
from schemas.control import Control, Position
from schemas.errors import NotReady
from serving_layer.reading.patience import Lost, reading
from serving_layer.reading.views import ANOTHER_LOGS, SPEED_SIDE, Moved, Views


def require_own_log(views: Views, control: Control, position: Position | None) -> None:
    """Raise Lost for a speed store of another log: neither its events nor its catalogue are this installation's."""
    if not is_ours(other := log_of(views.speed, position), control):
        raise Lost(SPEED_SIDE, f"{ANOTHER_LOGS} ({other})")


def position_that_counts(control: Control, position: Position | None, without: str | None) -> Position | None:
    """Return the position if it is of the control record's epoch, else None: the generation counts alone.

    Args: without: why the speed view was left out, if it was.
    Raises:
        Moved: the control record is older than the position.      NotReady: nothing counts.
    """
    if position is not None and not is_of(position, control):
        if position.epoch > control.epoch:  # a new epoch began after the control record was read
            raise Moved
        position = None
    if position is not None and not reaches(latest(control.planned, control.boundaries[-1].offsets), position.offsets):
        # It was committed by a plan newer than this control record: boundaries may have been recorded before it,
        # and events may be in segments that are not listed here.
        raise Moved
    if position is None and control.active is None:
        why = without or "the speed layer has not run"
        raise NotReady(f"nothing is published yet, and {why}: run `millrace up` or `millrace batch run`")
    return position


def continues(before: Position, now: Position | None) -> bool:
    """Return whether the position is still there and has only moved forward, so that rows read meanwhile are right."""
    return now is not None and (now.epoch, now.life) == (before.epoch, before.life) and now.attempt >= before.attempt


def segments_held(views: Views, epoch: int) -> tuple[int, ...]:
    """Return all segments of the epoch that the speed store holds, oldest first."""
    with reading(SPEED_SIDE):
        spaces = views.speed.spaces(SPEED)
    parts = [space.split("/") for space in spaces if space.startswith(f"{epoch}/")]
    return tuple(sorted({int(part[2]) for part in parts if len(part) == 3}))
