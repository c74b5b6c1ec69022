"""The changes of the control record as pure functions. ``adapters.records`` applies them by compare-and-set.

The numbers name the rules of contract §5. A change that a rule forbids raises ``SettingsError`` or ``BadInput`` with
the reason, and the caller then writes nothing.
"""

from dataclasses import replace

from core.control.boundaries import earliest, latest, reaches
from schemas.control import Boundary, Control, Generation, LogIdentity, Offsets, Position
from schemas.errors import BadInput, SettingsError

MAX_ABORTED = (
    1_000  # keeps the position, which every write is tested against and every reader reads, at a few kilobytes
)


def first_control(log: LogIdentity, start: Offsets, fingerprint: str) -> Control:
    """Return the record before anything ran: the empty generation is active, no speed layer ran (epoch 0)."""
    origin = Boundary(0, start)
    return Control(1, "", log, fingerprint, (origin,), start, epoch=0, epoch_start=origin, floor=start)


def origin(control: Control) -> Offsets:
    """Return where the log began at first use: an empty lake is filled from here.

    Once the first boundary is forgotten this is no longer known, and the result is 0: a log that began later refuses
    to be read from there, whereas a guess would leave events out.
    """
    first = control.boundaries[0]
    return dict(first.offsets) if first.id == 0 else dict.fromkeys(first.offsets, 0)


def check_log(control: Control, log: LogIdentity) -> None:
    """Raise SettingsError when the configured log is not the one that the views were made from (§2)."""
    if control.log != log:
        raise SettingsError(
            f"the views belong to another log ({control.log}) than the one configured ({log}): "
            "point MILLRACE_KAFKA back to it, or start with new view stores and a new lake"
        )


def check_speed_log(stored: LogIdentity | None, log: LogIdentity) -> None:
    """Raise SettingsError when the speed store names another log; a store that names none is adopted."""
    if stored not in (None, log):
        raise SettingsError(
            f"the speed views belong to another log ({stored}) than the one configured ({log}): "
            "give each installation speed views of its own; on one Redis a prefix is enough, "
            "as in MILLRACE_SPEED_VIEWS=redis://host:port/db?prefix=shop1"
        )


def plan(control: Control, to: Offsets) -> Control:
    """Announce that the speed layer may read up to ``to`` (3b)."""
    return replace(control, planned=latest(control.planned, to))


def record_boundary(control: Control, log_end: Offsets) -> tuple[Control, Boundary]:
    """Fix where a generation will end, before the batch layer reads an event (2); reuse an equal boundary."""
    last = control.boundaries[-1]
    offsets = latest(log_end, control.planned, last.offsets, control.active_boundary.offsets)
    if offsets == last.offsets:
        return control, last
    boundary = Boundary(last.id + 1, offsets)
    return replace(control, boundaries=(*control.boundaries, boundary)), boundary


def publish(control: Control, generation: Generation, activate: bool = True) -> Control:
    """Swap the pointer to a complete new generation (10); if its rules differ from the epoch's, begin a new epoch (14).

    Raises:
        BadInput: its boundary lies below the active one in some partition, because a later run was faster; or it
            contains users who were forgotten meanwhile.
    """
    if generation.forgotten < control.forgotten:
        raise BadInput(
            f"generation {generation.id} holds users who were forgotten meanwhile; nothing was changed, run again"
        )
    if not reaches(generation.boundary.offsets, control.active_boundary.offsets):
        raise BadInput(
            f"generation {generation.id} ends before the active one ({control.active}): a later run was faster; "
            "nothing was changed"
        )
    refused = 0 if generation.measured.gate.passed else control.refused + 1
    kept = replace(control, generations=(*control.generations, generation), refused=refused)
    if not activate:
        return kept
    active = _forgetting(replace(kept, active=generation.id, predecessor=control.active, held=False), generation)
    if generation.fingerprint != control.fingerprint:
        return new_epoch(replace(active, fingerprint=generation.fingerprint))
    return active


def _forgetting(active: Control, generation: Generation | None) -> Control:
    """Drop the predecessor and begin an epoch if the newly active generation forgets users."""
    if generation is None or generation.forgotten <= active.forgotten:
        return active
    return new_epoch(replace(active, forgotten=generation.forgotten, predecessor=generation.id))


def new_epoch(control: Control, beyond: int = 0) -> Control:
    """Begin the speed layer's state from scratch at the active generation's boundary (9).

    ``beyond``: an epoch whose rows the speed store may still hold. It exceeds the control record's epoch only when the
    record was lost or set back; its number is never reused.
    """
    return replace(control, epoch=max(control.epoch, beyond) + 1, epoch_start=control.active_boundary)


def first_position(control: Control, owner: str) -> Position:
    """Return the position at which the control record's epoch begins (9)."""
    return Position(
        1, "", owner, control.epoch, dict(control.epoch_start.offsets), control=control.life, log=control.log
    )


def is_of(position: Position, control: Control) -> bool:
    """Return whether the position belongs to this control record and its epoch, not to a record that was lost."""
    return (position.epoch, position.control) == (control.epoch, control.life) and is_ours(position.log, control)


def is_ours(stored: LogIdentity | None, control: Control) -> bool:
    """Return whether a record of the speed store belongs to the control record's log; one that names no log does."""
    return stored in (None, control.log)


def needs_new_epoch(control: Control, position: Position | None) -> str | None:
    """Return why the speed layer cannot continue from the position, or None when it can (9)."""
    if position is None:
        return "the speed store holds no position"
    if position.epoch != control.epoch:
        return f"the speed store is of epoch {position.epoch}, the control record of {control.epoch}"
    if position.control != control.life:
        return "the control record was lost and created again"
    if len(position.aborted) > MAX_ABORTED:
        return f"more than {MAX_ABORTED} attempts of this epoch died"
    if not reaches(position.offsets, control.floor):
        return "the generations that the speed layer's position needs are gone"
    if not reaches(latest(control.planned, control.boundaries[-1].offsets), position.offsets):
        return "the position lies beyond what the control record has planned, as after a store was restored"
    return None


def base_generation(control: Control, position: Position, partition: int) -> Generation | None:
    """Return the newest kept generation whose histories are valid for a user without state in this epoch (8).

    Returns: None for the empty generation.
    Raises:
        LookupError: no kept generation is valid; a new epoch must begin.
    """
    low = max(control.epoch_start.offsets[partition], control.floor[partition])
    at = position.offsets[partition]
    for generation in reversed(control.generations):
        same = (generation.fingerprint, generation.forgotten) == (control.fingerprint, control.forgotten)
        if same and low <= generation.boundary.offsets[partition] <= at:
            return generation
    if control.boundaries[0].id == 0 and low <= control.boundaries[0].offsets[partition] <= at:
        return None
    raise LookupError(f"no kept generation holds histories for partition {partition} at offset {at}")


def register(position: Position) -> Position:
    """Begin a new attempt; an unfinished earlier one becomes aborted in the same write (4)."""
    unfinished = position.registered > position.attempt and position.registered not in position.aborted
    aborted = (*position.aborted, position.registered) if unfinished else position.aborted
    return replace(position, registered=position.registered + 1, aborted=aborted)


def commit(position: Position, to: Offsets) -> Position:
    """Let what the registered attempt wrote count from now on (3f)."""
    return replace(position, attempt=position.registered, offsets=latest(position.offsets, to))


def drop(control: Control, now: int) -> Control:
    """Raise the floor and mark what left the pointer; nothing is deleted yet (11).

    Kept are the active generation, its predecessor, and the newest one that waits to be activated (published after
    the active one, or with a later boundary). While generations of an earlier drop are not deleted, no more are
    marked, because that would restart their grace period. ``now`` is epoch ms.
    """
    if control.dropping:
        return control
    last = boundary_of(control, control.predecessor) if control.predecessor != control.active else None
    floor = earliest(control.active_boundary.offsets, (last or control.active_boundary).offsets)
    since = next((k for k, g in enumerate(control.generations) if g.id == control.active), -1)
    later = control.active_boundary.id
    waiting = [g.id for k, g in enumerate(control.generations) if k > since or g.boundary.id > later][-1:]
    keep = {control.active, control.predecessor, *waiting}
    leaving = tuple(g.id for g in control.generations if g.id not in keep)
    kept = tuple(g for g in control.generations if g.id in keep)
    floor = latest(control.floor, floor)
    if not leaving and floor == control.floor:
        return control
    return replace(control, floor=floor, generations=kept, dropping=(*control.dropping, *leaving), dropped_at=now)


def forget_dropped(control: Control, deleted: set[str]) -> Control:
    """Remove the deleted generations and the boundaries below the floor, after the grace period."""
    oldest = next(boundary for boundary in reversed(control.boundaries) if reaches(control.floor, boundary.offsets))
    return replace(
        control,
        dropping=tuple(name for name in control.dropping if name not in deleted),
        boundaries=tuple(boundary for boundary in control.boundaries if boundary.id >= oldest.id),
    )


def boundary_of(control: Control, name: str | None) -> Boundary:
    """Return where a kept generation ends; the empty one (None) ends at the log's start."""
    generation = control.generation(name)
    return generation.boundary if generation else control.boundaries[0]


def rollback(control: Control, target: str | None) -> Control:
    """Make a kept generation active again and hold it there until released (12).

    Raises:
        BadInput: it is not kept, was made by other rules, or lies below the floor or before the epoch's start.
    """
    generation, named = control.generation(target), f"generation {target}" if target else "the empty generation"
    if target is not None and generation is None:
        kept = ", ".join(candidate.id for candidate in control.generations) or "none"
        raise BadInput(f"{named} is not kept; kept: {kept}")
    if generation is not None and generation.fingerprint != control.fingerprint:
        raise BadInput(
            f"{named} was made with other settings, or by an earlier version of Millrace, than the active "
            "views: if settings differ, set them back and run `millrace batch run --full`"
        )
    if (generation.forgotten if generation else 0) < control.forgotten:
        raise BadInput(f"{named} holds users who were forgotten since; run `millrace batch run`")
    boundary = boundary_of(control, target)
    if boundary.id != 0 and target is None:
        raise BadInput(f"{named} is no longer kept")
    for limit, name in ((control.floor, "the floor"), (control.epoch_start.offsets, "the start of the speed epoch")):
        if not reaches(boundary.offsets, limit):
            raise BadInput(f"{named} ends below {name}: its later segments are gone; run `millrace batch run`")
    active = replace(control, active=target, predecessor=control.active, held=True, refused=0)
    return _forgetting(active, generation)
