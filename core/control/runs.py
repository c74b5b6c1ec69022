"""The changes of a run, which is a generation in the making: pure functions over the control record, as in ``changes``.

The control record lists a run from the moment its boundary is recorded until it is published or given up. What a run
writes counts only through a compare-and-set that finds it still listed, so the rows of a run that was given up may be
deleted at any time.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from core.control.boundaries import reaches
from core.control.changes import boundary_of, publish, record_boundary
from schemas.control import Boundary, Control, Generation, Offsets, Run
from schemas.errors import BadInput
from schemas.metrics import measured

STEPS = ("ingest", "compute", "train", "evaluate", "gate", "publish")


def begin(
    control: Control, log_end: Offsets, run: Run, at: int | None = None, marks: Sequence[tuple[int, int]] = ()
) -> Control:
    """List the run with its boundary: the log's end (rule 2), or the recorded boundary of id ``at``.

    Args:
        marks: partition and offset of each mark of a forgotten user. A full run puts the marks below its boundary into
            effect; an incremental run keeps those of the active generation (decision 26).
    Raises:
        BadInput: its id was used before, or that boundary is not kept or lies below the active generation's.
    """
    if run.id in (*control.abandoned, *control.dropping):
        raise _given_up(run.id)
    if at is None:
        control, boundary = record_boundary(control, log_end)
    else:
        boundary = _recorded(control, at)
    count = control.forgotten
    if run.full or control.active is None:
        below = takewhile(lambda mark: mark[1] <= boundary.offsets[mark[0]], marks)
        count = max(count, sum(1 for _ in below))
    return replace(control, runs=(*control.runs, replace(run, boundary=boundary, forgotten=count)))


def _recorded(control: Control, at: int) -> Boundary:
    usable = [boundary for boundary in control.boundaries if reaches(boundary.offsets, control.active_boundary.offsets)]
    for boundary in usable:
        if boundary.id == at:
            return boundary
    ids = ", ".join(str(boundary.id) for boundary in usable)
    raise BadInput(f"boundary {at} is not kept or lies below the active generation; there are: {ids}")


def named(control: Control, name: str) -> Run | Generation | None:
    """Return the run of that id, or the kept generation that it became."""
    return next((run for run in control.runs if run.id == name), None) or control.generation(name)


def require_run(control: Control, name: str) -> Run:
    """Return the run of that id.

    Raises:
        BadInput: it was given up, or is not known.
    """
    listed = named(control, name)
    if isinstance(listed, Run):
        return listed
    if listed is not None:
        raise BadInput(f"run {name} is published already")
    raise _given_up(name)


def _given_up(name: str) -> BadInput:
    return BadInput(
        f"run {name} is not known: it never began, or it was given up because a later run was faster or because it "
        "made no progress; nothing that readers see was changed. Begin a new one: `millrace batch boundary`"
    )


def require_earlier(run: Run, step: str) -> None:
    """Raise BadInput, naming the command to run, when a step before this one has not ended yet."""
    for earlier in STEPS[: STEPS.index(step)]:
        if earlier not in run.done:
            raise BadInput(f"run {run.id}: {step} needs {earlier} first: run `millrace batch {earlier} {run.id}`")


def note(control: Control, name: str, step: str, metrics: dict[str, Any], now: int) -> Control:
    """Record that the step has ended, with its metrics. The generation that it started from must still be kept.

    Raises:
        BadInput: the run was given up, or that generation was dropped while the step read it.
    """
    run = require_run(control, name)
    new = measured(metrics)
    base = new.base
    if base is not None and control.generation(base) is None:
        raise BadInput(f"generation {base}, from which run {name} began, was dropped meanwhile: a later run was faster")
    seconds = run.measured.step_seconds | new.step_seconds
    merged = {**run.metrics, **metrics, "step_seconds": seconds}
    done = tuple(name for name in STEPS if name in run.done or name == step)
    noted = replace(run, done=done, metrics=merged, moved_at=now)
    return replace(control, runs=tuple(noted if other.id == name else other for other in control.runs))


def become(control: Control, name: str, now: int, activate: bool) -> Control:
    """Publish the run as a generation. If it becomes active, it ends the runs that began before it.

    Raises:
        BadInput: as ``core.control.changes.publish``, or the run was given up.
    """
    run = require_run(control, name)
    metrics = {**run.metrics, "seconds": round(sum(run.measured.step_seconds.values()), 1)}
    generation = Generation(run.id, run.boundary, run.fingerprint, now, run.reason, metrics, run.forgotten)
    published = publish(control, generation, activate)
    older = list(takewhile(lambda other: other.id != name, published.runs)) if activate else []
    rest = tuple(other for other in published.runs if other.id != name)
    return give_up(replace(published, runs=rest), {other.id for other in older})


def give_up(control: Control, names: set[str]) -> Control:
    """Give up those runs: they will never be published, and their rows may be deleted."""
    if not names:
        return control
    kept = tuple(run for run in control.runs if run.id not in names)
    leaving = tuple(run.id for run in control.runs if run.id in names)
    return replace(control, runs=kept, abandoned=(*control.abandoned, *leaving))


def forget_abandoned(control: Control, deleted: set[str]) -> Control:
    """Stop listing runs that were given up and whose rows are deleted."""
    return replace(control, abandoned=tuple(name for name in control.abandoned if name not in deleted))


def dead(control: Control, now: int, patience_ms: int, alone: bool) -> set[str]:
    """Return the ids of runs that can no longer be published: behind the active generation, or without progress.

    ``alone``: no process makes a whole run now, so any run that such a process had begun is dead.
    """
    active = boundary_of(control, control.active).offsets
    return {
        run.id
        for run in control.runs
        if not reaches(run.boundary.offsets, active) or now - run.moved_at > patience_ms or (alone and run.owner)
    }


def base_of(control: Control, run: Run) -> Generation | str:
    """Return the generation from whose sums and histories a run may start, or why it must compute everything.

    Only the active generation is certain to be kept long enough. Its events must be a prefix of the run's, folded by
    the same rules.
    """
    active = control.generation(control.active)
    if run.full:
        return "as asked"
    if active is None:
        return "there is no generation to begin from"
    if active.fingerprint != run.fingerprint:
        return f"generation {active.id} was made with other settings or by an earlier version"
    if active.forgotten != run.forgotten:
        return f"other users are forgotten in generation {active.id}"
    if not reaches(run.boundary.offsets, active.boundary.offsets):
        return f"generation {active.id} ends later"
    return active
