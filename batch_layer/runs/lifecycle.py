"""Runs in the control record: begun, continued step by step, published or given up. None of it needs an engine."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from adapters.log.forgotten import marks
from adapters.log.kafka_log import Log
from adapters.log.topic_state import say_warnings
from adapters.machine.home import prepare_home
from adapters.records.books import generation_book
from adapters.records.control import change_control, open_control, read_control, require_rules
from adapters.settings import Settings
from adapters.stores.port import ViewStore
from core.control import runs
from core.control.boundaries import reaches
from core.control.changes import drop, forget_dropped, new_epoch
from schemas.control import Boundary, Control, Generation, Offsets, Run
from schemas.errors import BadInput, SettingsError
from schemas.rules import Rules

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+~@-]{0,127}")


@dataclass(frozen=True)
class Wish:
    """What is asked of a run.

    ``at``: the id of a recorded boundary where it shall end; None: the log's end. ``run``: an id to have; empty: a new
    one. ``owner``: the process that makes all of it; empty when each step is a process of its own.
    """

    reason: str = ""
    full: bool = False
    scheduled: bool = False
    at: int | None = None
    run: str = ""
    owner: str = ""


class Runs:
    """The runs of one installation."""

    def __init__(self, views: ViewStore, settings: Settings, say: Callable[[str], None]) -> None:
        self._views, self._settings, self._say = views, settings, say

    def begin(self, log: Log, wish: Wish) -> Run | Generation:
        """Record a boundary before an event is read (rule 2), and the run that ends there; one begun before stays.

        Raises:
            MillraceError: refused before anything was changed; the text names the remedy.
        """
        name = wish.run or f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:6]}"
        if not _ID.fullmatch(name):
            raise BadInput(f"'{name}' cannot be a run's id: up to 128 letters, digits and _ . : + ~ @ -")
        prepare_home(self._settings.home)  # with a cluster's Kafka nothing has made it yet
        self._views.check()
        say_warnings(log, self._settings.log.retention_ms, self._say)
        marked = marks(log)  # before the log's end, so that each lies at or below it
        identity, start, end = log.identity(), log.start_offsets(), log.end_offsets()
        rules = replace(self._settings.rules, partitions=identity.partitions)
        open_control(self._views, identity, start, rules)
        now = time.time_ns() // 1_000_000
        run = Run(
            name, Boundary(0, {}), rules.fingerprint(), now, now, wish.reason, wish.full, wish.scheduled, wish.owner
        )

        def begun(control: Control) -> Control:
            if runs.named(control, name) is not None:
                return control
            if not wish.full:
                require_rules(control, rules)
            changed = runs.begin(control, end, run, wish.at, [(mark.partition, mark.offset) for mark in marked])
            _require_there(log, changed.runs[-1].boundary.offsets, end)
            return changed

        recorded = runs.named(change_control(self._views, begun), name)
        assert recorded is not None
        self._say(f"run {name}: boundary {recorded.boundary.id}: {recorded.boundary.offsets}")
        if recorded.forgotten < len(marked):
            self._say(f"{len(marked) - recorded.forgotten} user(s) wait for a full run to be forgotten")
        return recorded

    def control(self) -> Control:
        """Return the current control record."""
        return change_control(self._views, lambda control: control)

    def find(self, name: str) -> tuple[Control, Run | Generation]:
        """Return the current control record and in it the run, or the generation that it became.

        Raises:
            BadInput: it never began, or was given up.
        """
        control = self.control()
        return control, runs.named(control, name) or runs.require_run(control, name)

    def note(self, run: Run, step: str, metrics: dict[str, Any]) -> None:
        """Record that the step has ended, and what it measured."""
        now = time.time_ns() // 1_000_000
        change_control(self._views, lambda control: runs.note(control, run.id, step, metrics, now))

    def publish(self, run: Run, rules: Rules, activate: bool) -> Generation:
        """Make the run a generation by one compare-and-set; with ``activate``, unless a rollback holds a scheduled one.

        Raises:
            BadInput: a later run was faster, or it was given up.
        """
        now = time.time_ns() // 1_000_000

        def swap(control: Control) -> Control:
            if not run.full:
                require_rules(control, rules)  # a full run may have published others meanwhile
            changed = runs.become(control, run.id, now, activate and _activates(control, run.scheduled))
            from_before = run.measured.from_before
            return new_epoch(changed) if from_before and control.epoch == changed.epoch > 0 else changed

        control = change_control(self._views, swap)
        generation = control.generation(run.id)
        assert generation is not None
        why = "" if control.active == run.id else ", not activated: " + ("a rollback holds" if activate else "refused")
        self._say(f"published generation {run.id}{why}")
        return generation

    def mark(self) -> None:
        """Mark generations that left the pointer, to be deleted after the grace period (rule 11)."""
        now = time.time_ns() // 1_000_000
        change_control(self._views, lambda control: drop(control, now))

    def clean_up(self, alone: bool = False) -> list[str]:
        """Give up and delete dead runs; delete generations that left before the grace period; return their names.

        Args: alone: no other process makes a whole run now.
        """
        if read_control(self._views) is None:
            return []
        now = time.time_ns() // 1_000_000
        grace, patience = self._settings.batch.grace_ms, self._settings.batch.run_patience_ms
        control = change_control(
            self._views, lambda newest: runs.give_up(newest, runs.dead(newest, now, patience, alone))
        )
        due = set(control.dropping) if now - control.dropped_at >= grace else set()
        for name in due | set(control.abandoned):
            delete_book(self._views, name)
        if due:
            change_control(self._views, lambda newest: forget_dropped(newest, due))
        if control.abandoned:
            change_control(self._views, lambda newest: runs.forget_abandoned(newest, set(control.abandoned)))
        deleted = sorted(due | set(control.abandoned))
        if deleted:
            self._say(f"deleted {len(due)} old generation(s) and {len(control.abandoned)} unfinished one(s)")
        return deleted


def delete_book(views: ViewStore, name: str) -> None:
    """Delete all rows of a generation, or of a run that never became one."""
    book = generation_book(name)
    for space in views.spaces(book):
        views.delete(book, space)


def _require_there(log: Log, boundary: Offsets, end: Offsets) -> None:
    """Refuse a boundary beyond the log's end, as records below it are gone; ``end`` may have been read earlier."""
    if reaches(end, boundary):
        return
    end = log.end_offsets()
    for partition, offset in boundary.items():
        if end[partition] < offset:
            raise SettingsError(
                f"partition {partition} of {log.topics.events} ends at offset {end[partition]}, but the boundary is "
                f"{offset}: this is not the log that was read before, or it lost records; name the right one in "
                "MILLRACE_KAFKA or restore it, or start over with other views and another lake"
            )


def _activates(control: Control, scheduled: bool) -> bool:
    """Return whether it activates: a run by hand ends a rollback's hold, a scheduled one does not."""
    return not (scheduled and control.held)
