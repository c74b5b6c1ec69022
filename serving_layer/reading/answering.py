"""The loop that makes an answer one snapshot of both views (contract §5 rule 6)."""

from collections.abc import Callable
from typing import TypeVar

from core.rows.tagged import NewerBase
from serving_layer.memory.moment import Moment
from serving_layer.reading.patience import Lost, MustRead, Patience, TooLong, memory_only
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import CATALOGUE_SIDE, MODEL, SPEED_SIDE, Moved, Views

# Each try takes milliseconds, a micro-batch some 200 ms: after the last one the speed view is left out.
MAX_TRIES = 25
MAX_TRIES_OF_MOMENTS = 10  # the next ones read both records themselves
LATE_SECONDS = 0.25  # that an answer waits for a look that takes long: it would read a thousand rows itself
NEWER_SECONDS = 0.25  # that a try waits for a newer moment than the one whose rows were rewritten
TOO_LONG = "length"  # it is in memory, but a thread of its own goes through it
NO_MOMENT = "moment"  # what memory lacks: the views are not followed closely enough

T = TypeVar("T")


def answer(views: Views, compute: Callable[[Snapshot], T]) -> T:
    """Return ``compute`` of one consistent reading; it is repeated from the start while the views change under it.

    ``compute`` must only read: it may run several times, on this thread and on others. A store that is down, or on
    which the answer has waited for longer than its patience, is left out, and the snapshot says so.

    Raises:
        NotReady: neither view can be read.
    """
    try:
        return answer_from_memory(views, compute)
    except MustRead:
        return answer_from_stores(views, compute)


def answer_from_memory(views: Views, compute: Callable[[Snapshot], T]) -> T:
    """Return ``compute`` of the moment that the process last saw, on this thread, which waits for nothing.

    Raises:
        MustRead: something that it needs is not in memory, or nothing follows the views.
    """
    moment = views.current()
    if moment is None:
        views.statistics.left(NO_MOMENT)
        raise MustRead
    snapshot = Snapshot.of(views, moment)
    try:
        with memory_only():
            result = compute(snapshot)
    except TooLong:
        views.statistics.left(TOO_LONG)
        raise
    except MustRead:
        views.statistics.left(snapshot.course.lacked or MODEL)
        raise
    views.statistics.from_memory += 1
    return result


def answer_from_stores(views: Views, compute: Callable[[Snapshot], T]) -> T:
    """Return what ``answer`` does where memory does not hold it; waits for the stores."""
    without: dict[str, str] = {}
    patience, tries = Patience(views.patience_seconds, give_way=views.give_way), 0
    moment: Moment | None = None

    def attempt() -> T:
        nonlocal moment
        moment = views.awaited(LATE_SECONDS) if tries < MAX_TRIES_OF_MOMENTS and not without else None
        snapshot = Snapshot.take(views, without) if moment is None else Snapshot.of(views, moment)
        try:
            result = compute(snapshot)
        except NewerBase:
            if moment is not None:  # the next attempt reads the rest alone: with fast commits none would end otherwise
                snapshot.keep_rows()
            raise
        snapshot.confirm()
        if moment is None and views.follower is not None:
            views.follower.overtaken()
        return result

    while True:
        try:
            with views.turn():
                result = patience.attempt(attempt)
            views.statistics.read_stores(tries)
            return result
        except (NewerBase, Moved):
            tries += 1
            if moment is not None and views.follower is not None:  # this moment's rows stay as they are
                views.follower.wait_for_newer(moment, NEWER_SECONDS)
            if tries == MAX_TRIES:
                without[SPEED_SIDE] = "the speed view changes faster than it can be read"
        except Lost as lost:
            without = without | {lost.side: lost.why}
            patience = Patience(
                views.patience_seconds, give_way=views.give_way
            )  # the other side shall not pay for this one's time
            if lost.side == SPEED_SIDE:
                without[CATALOGUE_SIDE] = lost.why  # the same store
