"""For every boundary, a generation and the segments from its boundary on add up to the slow fold."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from adapters.records.books import SPEED, generation_book, segment_space, state_space
from core.control.changes import record_boundary
from core.fold.slow import SlowView
from core.rows.tagged import NewerBase, settle
from core.rows.views import VIEWS
from schemas.control import Control, Generation, Offsets, Position
from schemas.event import REMOVE, Event
from schemas.rules import Rules
from tests.kit.exact.stores import MemoryStore
from tests.kit.folding import Rows, rows_as_data, slow
from tests.kit.search import TIMES
from tests.kit.small_lambda import SmallLambda
from tests.kit.streams import event_streams

RULES = Rules(history_items=3, remembered_ids=3, partitions=2)
KINDS = ["apply", "apply", "crash", "crash", "publish", "boundary", "look"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=12)


@dataclass
class Reader:
    """Takes control record and position once, then reads one view after each further step, while swaps continue."""

    control: Control
    position: Position
    rows: Rows = field(default_factory=dict)
    views: list[str] = field(default_factory=lambda: list(VIEWS))

    def read_on(self, world: SmallLambda) -> bool:
        """Read the next view; False when the reader must start over, because a row was rewritten twice."""
        generation = self.control.generation(self.control.active)
        try:
            self.rows |= read_view(world, self.control, self.position, generation, self.views.pop(0))
        except NewerBase:
            return False
        return True


def read_view(
    world: SmallLambda, control: Control, position: Position, generation: Generation | None, view: str
) -> Rows:
    """One view of that generation merged with what the speed layer has committed at that position (rules 6 and 7)."""
    boundary, merge, segmented = control.boundaries[0], VIEWS[view].merge, VIEWS[view].segmented
    rows: Rows = {}
    if generation is not None:
        boundary = generation.boundary
        rows = {(view, key): value for key, value in world.batch.scan(generation_book(generation.id), view)}
    segments = [recorded.id for recorded in control.boundaries if recorded.id >= boundary.id]
    partitions = {event.user_id.encode(): event.partition for event in world.log}
    epoch = position.epoch
    for space in (
        [segment_space(epoch, view, segment) for segment in segments] if segmented else [state_space(epoch, view)]
    ):
        for key, stored in world.speed.scan(SPEED, space):
            if not segmented and position.offsets[partitions[key]] < boundary.offsets[partitions[key]]:
                continue
            value = settle(stored, position, merge)
            if value is not None:
                rows[view, key] = merge(rows[view, key], value) if (view, key) in rows else value
    return rows


def must_be_the_slow_fold(world: SmallLambda, rows: Rows, position: Position, boundary: Offsets) -> None:
    prefix = {p: max(offset, boundary[p]) for p, offset in position.offsets.items()}
    assert rows_as_data(rows) == slow(world.below(prefix), RULES), f"below {prefix}"


def every_boundary_is_exact(world: SmallLambda) -> None:
    """Every generation that was ever made is exact, and so is the empty one."""
    for generation in (None, *world.control.generations):
        rows: Rows = {}
        for view in VIEWS:
            rows |= read_view(world, world.control, world.position, generation, view)
        boundary = generation.boundary if generation else world.control.boundaries[0]
        must_be_the_slow_fold(world, rows, world.position, boundary.offsets)


def take(world: SmallLambda, what: str, count: int, share: float) -> None:
    """One step; a crash leaves that share of its rows, and the next micro-batch begins at the same offset again."""
    if what == "publish":
        world.run_batch(count)
    elif what == "boundary":
        world._control(record_boundary(world.control, world.ends(count))[0])
    elif what != "look":
        world.run_speed(count, share if what == "crash" else 1.0)


@settings(max_examples=60 * TIMES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(event_streams(), STEPS)
def test_a_generation_and_the_segments_from_its_boundary_on_are_the_slow_fold_of_everything(
    events: list[Event], steps: list[tuple[str, float, float]]
) -> None:
    world = SmallLambda(MemoryStore(), MemoryStore(), RULES, events)
    world.begin()
    readers: list[Reader] = []
    for what, until, share in [*steps, ("apply", 1.0, 1.0), ("publish", 1.0, 1.0)]:
        readers.append(Reader(world.control, world.position))
        take(world, what, round(until * len(events)), share)
        every_boundary_is_exact(world)
        readers = [reader for reader in readers if reader.read_on(world)]
        for done in [reader for reader in readers if not reader.views]:
            must_be_the_slow_fold(world, done.rows, done.position, done.control.active_boundary.offsets)
            readers.remove(done)


def judged(events: list[Event], about: Callable[[SlowView, Event], bool]) -> bool:
    """Whether that is so of an event and of what the slow twin holds before it."""
    view = SlowView()
    for event in events:
        if about(view, event):
            return True
        view.take(event, RULES)
    return False


def entries(view: SlowView, event: Event) -> dict[str, tuple[int, int]]:
    history = view.histories.get(event.user_id)
    return history.entries if history else {}


def remembered(view: SlowView, event: Event) -> bool:
    return event.user_id in view.histories and event.event_id in view.histories[event.user_id].ids


@pytest.mark.parametrize(
    "about",
    [
        remembered,
        lambda view, event: event.weight == 0,
        lambda view, event: event.weight == REMOVE and event.item_id in entries(view, event),
        lambda view, event: event.weight == REMOVE and event.item_id not in entries(view, event),
        lambda view, event: event.weight == 2_500 and event.item_id in entries(view, event),
        lambda view, event: len(entries(view, event)) == 3 and event.item_id not in entries(view, event),
        lambda view, event: any(last < event.event_time - RULES.window_ms for _, last in entries(view, event).values()),
        lambda view, event: any(last > event.event_time for _, last in entries(view, event).values()),
    ],
    ids=["duplicate", "weight 0", "remove", "remove of nothing", "rated again", "overflow", "expiry", "late"],
)
def test_such_events_are_in_the_streams(about: Callable[[SlowView, Event], bool]) -> None:
    search = settings(max_examples=1_000, phases=[Phase.generate], deadline=None)
    assert find(event_streams(), lambda events: judged(events, about), settings=search)


def test_an_id_repeated_beyond_what_is_remembered_is_in_the_streams() -> None:
    def again(events: list[Event]) -> bool:
        sent: set[tuple[str, str]] = set()

        def beyond(view: SlowView, event: Event) -> bool:
            known = (event.user_id, event.event_id) in sent
            sent.add((event.user_id, event.event_id))
            return known and not remembered(view, event)

        return judged(events, beyond)

    assert find(event_streams(), again, settings=settings(max_examples=1_000, phases=[Phase.generate], deadline=None))
