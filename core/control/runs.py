"""What may become of a run, a generation in the making: pure changes of the control record, as ``changes`` has them.

A run is listed there from its boundary on until it is published or given up. Whatever it writes counts only by a
compare-and-set that finds it still listed: so the rows of one that was given up may be deleted at any time.
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
    """List the run with its boundary: that of the log's end (rule 2), or the recorded one of id ``at``.

    Args: marks: partition and offset of each mark of a forgotten user. One that computes all puts into effect those
        that lie below its boundary; another goes on with those of the active generation (decision 26).
    Raises:
        BadInput: its id was used before, or that boundary is not kept or ends below the active generation.
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
    kept = [each for each in control.boundaries if reaches(each.offsets, control.active_boundary.offsets)]
    for each in kept:
        if each.id == at:
            return each
    usable = ", ".join(str(each.id) for each in kept)
    raise BadInput(f"boundary {at} is not kept or lies below the active generation; there are: {usable}")


def named(control: Control, name: str) -> Run | Generation | None:
    """The run of that id, or the kept generation that it became."""
    return next((each for each in control.runs if each.id == name), None) or control.generation(name)


def require_run(control: Control, name: str) -> Run:
    """The run of that id.

    Raises:
        BadInput: it was given up, or is not known.
    """
    found = named(control, name)
    if isinstance(found, Run):
        return found
    if found is not None:
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
    """The step has ended, and what it found; a generation that it began from must be there still.

    Raises:
        BadInput: the run was given up, or what the step read was dropped while it read it.
    """
    run = require_run(control, name)
    found = measured(metrics)
    base = found.base
    if base is not None and control.generation(base) is None:
        raise BadInput(f"generation {base}, from which run {name} began, was dropped meanwhile: a later run was faster")
    seconds = run.measured.step_seconds | found.step_seconds
    merged = {**run.metrics, **metrics, "step_seconds": seconds}
    done = tuple(each for each in STEPS if each in run.done or each == step)
    noted = replace(run, done=done, metrics=merged, moved_at=now)
    return replace(control, runs=tuple(noted if each.id == name else each for each in control.runs))


def become(control: Control, name: str, now: int, activate: bool) -> Control:
    """Publish the run as a generation; an active one ends those that began before it: a later run was faster.

    Raises:
        BadInput: as ``core.control.changes.publish``, or it was given up.
    """
    run = require_run(control, name)
    metrics = {**run.metrics, "seconds": round(sum(run.measured.step_seconds.values()), 1)}
    generation = Generation(run.id, run.boundary, run.fingerprint, now, run.reason, metrics, run.forgotten)
    published = publish(control, generation, activate)
    older = list(takewhile(lambda each: each.id != name, published.runs)) if activate else []
    rest = tuple(each for each in published.runs if each.id != name)
    return give_up(replace(published, runs=rest), {each.id for each in older})


def give_up(control: Control, names: set[str]) -> Control:
    """Those runs will never be published; their rows may be deleted."""
    if not names:
        return control
    kept = tuple(each for each in control.runs if each.id not in names)
    leaving = tuple(each.id for each in control.runs if each.id in names)
    return replace(control, runs=kept, abandoned=(*control.abandoned, *leaving))


def forget_abandoned(control: Control, deleted: set[str]) -> Control:
    """Their rows are gone."""
    return replace(control, abandoned=tuple(each for each in control.abandoned if each not in deleted))


def dead(control: Control, now: int, patience_ms: int, alone: bool) -> set[str]:
    """Runs that cannot or will not be published any more: behind the active generation, or without progress.

    ``alone``: no process makes a whole run now, so that those which one had begun are dead.
    """
    active = boundary_of(control, control.active).offsets
    return {
        run.id
        for run in control.runs
        if not reaches(run.boundary.offsets, active) or now - run.moved_at > patience_ms or (alone and run.owner)
    }


def base_of(control: Control, run: Run) -> Generation | str:
    """The generation from whose sums and histories a run may begin, or why it must compute all.

    Only the active one is sure to be kept long enough; its events must be a prefix of the run's, folded alike.
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
