"""Follows both records: between two looks all answers are of one moment, and need no store for rows in memory.

A look that finds a new commit adds to the kept rows what the lists of the commits since carry (``core.rows.touched``).
Rows of a list without changes it drops or, where answers use them, reads again. Otherwise it begins with an empty
memory: another epoch, life of the position or generation, a position that was set back, lists that are gone.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from adapters.records.books import CATALOGUE, CONTROL, SPEED
from core.rows import touched
from core.rows.views import NORMS
from schemas.control import Control, Position
from schemas.errors import MillraceError
from serving_layer.memory.moment import NO_ATTEMPT, Moment
from serving_layer.memory.norms import Norms
from serving_layer.memory.row import Row
from serving_layer.memory.row_cache import HOT_SECONDS, RowCache
from serving_layer.reading.catalogue_looks import catalogue_of, is_settled
from serving_layer.reading.counting import continues, position_that_counts, require_own_log
from serving_layer.reading.pace import Pace
from serving_layer.reading.patience import Lost
from serving_layer.reading.stored_rows import norms_of, rows_of
from serving_layer.reading.touched_rows import touched_since
from serving_layer.reading.views import SPEED_SIDE, Moved, Views
from serving_layer.reading.warming import Warming
from serving_layer.reading.way import Way

CONTROL_SECONDS = 0.06  # the control record is read as often as that, and where a position needs a newer one
MOST_AGE_SECONDS = 2.0  # an older moment answers nothing: a store keeps the follower waiting, or too little computes
MOST_HELD_BACK = 5  # moments in a row
MOST_READ_AGAIN = 5_000  # rows of a view in one look
MOST_IDLE = 1_000  # of them that nobody asked for lately: the next answer may need them all the same
MAX_TRIES = 3
MOST_LATE_SECONDS = 5.0  # that an answer waits for a look that computes

log = logging.getLogger("serving")


class Follower:
    """Looks again and again on a thread of its own. One for each process; all methods may be called by any."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._published: tuple[Moment | None, float, int] = None, 0.0, 0  # when its look began, and in which turn
        self._turn = 0
        self._last: Moment | None = None
        self._seen: tuple[object, ...] = ()
        self._control: tuple[bytes, Control] | None = None
        self._control_read, self._control_turn = float("-inf"), 0
        self.pace, self.way, self._ended, self._warming = Pace(), Way(), threading.Event(), Warming(views)
        self._follows, self._changed = False, threading.Condition()
        self._lacking: RowCache | None = None  # the one in which the last moment lacks rows in use
        self._held_back = 0  # moments in a row

    def current(self) -> Moment | None:
        """Return what the last look saw; None if it saw nothing, is too old, was overtaken, or the follower rests."""
        published = self._published
        return None if self.pace.is_asleep(time.monotonic(), published[1]) or not self._counts else published[0]

    @property
    def _counts(self) -> bool:
        _, began, turn = self._published
        return turn == self._turn and time.monotonic() - began <= MOST_AGE_SECONDS

    def awaited(self, seconds: float) -> Moment | None:
        """Return the current moment, after at most so long for a look that ends a rest, is late or was overtaken.

        For one that computes it waits longer: an answer that read all by itself would only take its time."""
        self.pace.end_rest()
        if not self._counts and self._follows:
            self.pace.hurry()
            deadline = time.monotonic() + MOST_LATE_SECONDS
            with self._changed:
                while not self._changed.wait_for(lambda: self._counts, seconds):
                    if not self.way.is_taken or time.monotonic() > deadline:
                        break
        return self.current()

    def overtaken(self) -> None:
        """Note that an answer read a newer position: no later answer may go back behind it."""
        self._turn += 1
        self.pace.hurry()

    def wait_for_newer(self, moment: Moment, seconds: float) -> None:
        """Look at once, and return when there is another current moment, after so long at most."""
        if self._follows:
            self.pace.hurry()
            with self._changed:
                self._changed.wait_for(lambda: self._published[0] is not moment, seconds)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Follow until the end of the block."""
        self._views.follower = self
        self._follows = True
        thread = threading.Thread(target=self._follow, name="follower", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._follows = False
            self._ended.set()
            self.pace.hurry()
            thread.join(self._views.patience_seconds)  # a store may keep it longer: nothing waits for that

    def _follow(self) -> None:
        while not self._ended.is_set():
            before, began = self._last, time.thread_time()  # not the time that others kept it from the interpreter
            self.look()
            warms = self.warm()
            self.pace.pause(time.thread_time() - began, self._last is not before, warms)

    def warm(self) -> bool:
        """Fill the memory of the last moment by some rows more; return whether there may be others."""
        try:
            return self._warming.step(self._last)
        except Exception:
            if not self._ended.is_set():  # then the stores are being closed
                log.exception("memory cannot be filled ahead of answers")
            self._warming.give_up()
            return False

    def look(self) -> None:
        """Take a new moment if anything changed; where a view cannot be read there is none."""
        began, turn, moment = time.monotonic(), self._turn, None
        self._views.statistics.looks += 1
        try:
            moment = self._last = self._look(turn)
        except Moved:
            return  # the next look sees more; until then the last moment is as right as it was
        except (MillraceError, Lost):
            pass  # answers read the stores themselves, and say what they lack
        except Exception:
            if not self._ended.is_set():  # then the stores are being closed
                log.exception("the views cannot be followed")
        if not self._must_hold_back(moment, turn):
            with self._changed:
                self._published = moment, began, turn
                self._changed.notify_all()
        self._views.statistics.look_seconds += time.monotonic() - began

    def _must_hold_back(self, moment: Moment | None, turn: int) -> bool:
        """Return whether answers keep to the published moment: rows in use were rewritten before this one was read.

        Its answers would have to wait for the stores. The next look reads those rows.
        """
        last, began, known = self._published
        is_good = known == turn == self._turn and time.monotonic() - began <= MOST_AGE_SECONDS / 2
        goes_on = last and moment and last is not moment and last.rows is moment.rows is self._lacking
        if goes_on and is_good and self._held_back < MOST_HELD_BACK:
            self._held_back += 1
            self._views.statistics.held_back += 1
            return True
        self._held_back = 0
        return False

    def _look(self, turn: int) -> Moment | None:
        for _ in range(MAX_TRIES):
            control = self._read_control(turn)
            text, catalogue = self._views.speed.record(SPEED), self._views.speed.record(CATALOGUE)
            if control is None:
                return None
            seen = control, text, catalogue
            if self._last is not None and self._seen == seen and is_settled(catalogue):
                return self._last
            position = None if text is None else Position.from_json(text)
            require_own_log(self._views, control, position)
            try:
                position = position_that_counts(control, position, None)
            except Moved:
                self._control_read = float("-inf")
                continue
            moment = self._next(control, position, catalogue)
            self._seen = seen
            return moment
        raise Moved

    def _read_control(self, turn: int) -> Control | None:
        """Return the control record, always read before the position; of this turn, at most ``CONTROL_SECONDS`` old."""
        now = time.monotonic()
        if now - self._control_read >= CONTROL_SECONDS or turn != self._control_turn:
            text = self._views.batch.record(CONTROL)
            self._control_read, self._control_turn = now, turn
            if text is None:
                self._control = None
            elif self._control is None or self._control[0] != text:
                self._control = text, self._views.as_read(Control.from_json(text))
        return None if self._control is None else self._control[1]

    def _next(self, control: Control, position: Position | None, catalogue_text: bytes | None) -> Moment:
        before, generation = self._last, control.active
        same = before is not None and before.generation == generation
        moment = Moment(
            generation, control.active_boundary.offsets, control.epoch, position,
            tuple(control.active_segments) if position else (), () if position else (SPEED_SIDE,),
            RowCache(NO_ATTEMPT if position is None else position.attempt, self._views.cache_bytes),
            catalogue_of(catalogue_text, None if before is None else before.catalogue, self._views.speed),
            before.memory if before is not None and same else self._views.memory(generation),
        )  # fmt: skip
        if before is None or before.era != moment.era or moment.attempt < before.attempt:
            self._views.statistics.emptied += before is not None
            return moment
        if moment.attempt == before.attempt:
            return replace(moment, rows=before.rows, norms=before.norms)
        norms = self._advanced(before, moment)
        if norms is None:
            self._views.statistics.emptied += 1
            return moment
        self._views.statistics.advances += 1
        return replace(moment, rows=before.rows, norms=norms)

    def _advanced(self, before: Moment, moment: Moment) -> Norms | None:
        """Bring the kept rows from one moment to the next; return its norms, None where that is not known."""
        assert moment.position is not None
        changes = touched_since(self._views, before.attempt, moment)
        if changes is None:
            return None
        needed = (NORMS,) if time.monotonic() - before.norms.asked <= HOT_SECONDS else ()
        read = self._read_again(moment, before.rows.stale(changes, MOST_READ_AGAIN, MOST_IDLE, needed))
        text = self._views.speed.record(SPEED)
        now = None if text is None else Position.from_json(text)
        # A list may be deleted while it is read, but not before the position is so far ahead of it.
        if now is None or not continues(moment.position, now) or now.attempt - before.attempt > touched.KEPT_ATTEMPTS:
            return None
        with self.way.taken():
            before.rows.advance(moment.attempt, changes, read)
        lacks = any(row.changes is None for rows in read.values() for row in rows.values())
        self._lacking = before.rows if lacks else None
        return before.norms.after(*norms_of(moment.memory.index, changes.get(NORMS, {}), read.get(NORMS, {})))

    def _read_again(self, moment: Moment, stale: dict[str, dict[bytes, Row]]) -> dict[str, dict[bytes, Row]]:
        """Return the rows as they are now; those rewritten meanwhile lack their changes: the next look finds them."""
        read: dict[str, dict[bytes, Row]] = {}
        for view, rows in stale.items():
            known = {key: row.generation for key, row in rows.items()}
            if known:
                where = (moment.generation, moment.position, moment.segments)
                read[view] = rows_of(self._views, *where, view, list(known), known)
        return read
