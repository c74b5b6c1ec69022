"""An answer is one moment, whatever layers and stores do while it is computed (contract §5 rules 6 and 7, §4)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.records.books import CATALOGUE, CONTROL, SPEED
from adapters.records.control import Applied
from adapters.stores import open_store
from core.control.changes import new_epoch, record_boundary
from core.fold.slow import SlowView
from core.rows.catalogue_rows import DELETED
from schemas.control import Control, LogIdentity
from schemas.errors import NotReady, StoreUnavailable
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.serving import shop
from tests.kit.slow_lookups import RULES, everything, expected
from tests.kit.small_lambda import SmallLambda, placed


class Interrupted:
    """A store to whose calls something else happens: ``before(name, arguments)`` runs first and may raise."""

    def __init__(self, store: Any, before: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._store, self._before = store, before

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Any:
            self._before(name, args)
            return getattr(self._store, name)(*args)

        return call


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallLambda]:
    """A generation over 60 events, and a speed layer at 120 of 200."""
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed(shop(), RULES))
    world.begin()
    world.run_speed(50)
    world.run_batch(60)
    world.run_speed(120)
    yield world
    batch.close()
    speed.close()


@pytest.fixture
def down() -> Iterator[Any]:
    """A store whose server is not there."""
    store = open_store("redis://127.0.0.1:1/0")
    yield store
    store.close()


ITEMS = sorted({event.item_id.encode() for event in shop()[:30]})


def read(views: Views) -> tuple[dict[str, Any], dict[str, Any]]:
    return answer(views, lambda snapshot: (everything(snapshot, ITEMS), snapshot.header()))


def twin(world: SmallLambda, offsets: dict[str, int]) -> dict[str, Any]:
    slow = SlowView()
    for event in world.below({int(p): offset for p, offset in offsets.items()}):
        slow.take(event, RULES)
    return expected(slow, ITEMS)


def once(
    when: Callable[[str, tuple[Any, ...]], bool], act: Callable[[], None]
) -> Callable[[str, tuple[Any, ...]], None]:
    waiting = [act]

    def before(name: str, args: tuple[Any, ...]) -> None:
        if waiting and when(name, args):
            waiting.pop()()

    return before


def position_is_read(name: str, args: tuple[Any, ...]) -> bool:
    return name == "record" and args == (SPEED,)


def rows_are_read(name: str, args: tuple[Any, ...]) -> bool:
    return name == "read" and args[0] == SPEED


def test_a_boundary_recorded_and_passed_between_the_two_records_loses_no_event(world: SmallLambda) -> None:
    """Reading the control record first, and the position of a later plan, would leave out the new segment."""

    def boundary_then_batch() -> None:
        world._control(record_boundary(world.control, world.ends(150))[0])
        world.run_speed(200)

    rows, header = read(Views(world.batch, Interrupted(world.speed, once(position_is_read, boundary_then_batch))))
    assert header["fresh_to"]["offsets"] == {str(p): offset for p, offset in world.ends(200).items()}
    assert rows == twin(world, header["fresh_to"]["offsets"])


def test_micro_batches_committed_while_rows_are_read_are_all_there_or_not_at_all(world: SmallLambda) -> None:
    def two_batches() -> None:
        world.run_speed(150)
        world.run_speed(200)

    rows, header = read(Views(world.batch, Interrupted(world.speed, once(rows_are_read, two_batches))))
    assert rows == twin(world, header["fresh_to"]["offsets"])


def test_a_generation_swapped_in_while_rows_are_read_leaves_the_answer_whole(world: SmallLambda) -> None:
    before = world.control.active
    swap = once(rows_are_read, lambda: world.run_batch(200) and None)
    rows, header = read(Views(world.batch, Interrupted(world.speed, swap)))
    assert header["generation"] == before != world.control.active
    assert rows == twin(world, header["fresh_to"]["offsets"])


def begin_epoch(world: SmallLambda) -> None:
    """Do what a speed layer does that cannot continue from its position."""
    world._control(new_epoch(world.control))
    world.speed.swap(SPEED, world.guard, b"{}")  # as if lost
    world.position = replace(world.position, epoch=world.control.epoch, offsets=dict(world.control.epoch_start.offsets))
    world.guard = world.position.to_json()
    assert world.speed.swap(SPEED, b"{}", world.guard)


def test_an_epoch_that_begins_while_rows_are_read_makes_the_answer_start_over(world: SmallLambda) -> None:
    rows, header = read(Views(world.batch, Interrupted(world.speed, once(rows_are_read, lambda: begin_epoch(world)))))
    assert header["degraded"] == []
    assert header["fresh_to"]["offsets"] == {str(p): o for p, o in world.control.active_boundary.offsets.items()}
    assert rows == twin(world, header["fresh_to"]["offsets"])


def test_a_position_of_another_epoch_leaves_the_generation_alone(world: SmallLambda) -> None:
    world._control(new_epoch(world.control))
    rows, header = read(Views(world.batch, world.speed))
    assert header["degraded"] == ["speed"]
    assert header["segment"] is None
    assert header["fresh_to"]["offsets"] == {str(p): o for p, o in world.control.active_boundary.offsets.items()}
    assert rows == twin(world, header["fresh_to"]["offsets"])


def test_without_the_speed_store_the_generation_answers(world: SmallLambda, down: Any) -> None:
    rows, header = read(Views(world.batch, down))
    assert (header["degraded"], header["generation"]) == (["speed"], world.control.active)
    assert rows == twin(world, header["fresh_to"]["offsets"])


@pytest.mark.parametrize("record", ["position", "catalogue"])
def test_a_speed_store_of_another_log_counts_for_nothing(world: SmallLambda, tmp_path: Path, record: str) -> None:
    other = LogIdentity("cluster", "another topic", 4)
    with closing(open_store(f"sqlite:///{tmp_path}/theirs.sqlite")) as theirs:
        if record == "position":
            theirs.swap(SPEED, None, replace(world.position, log=other, epoch=99).to_json())
        theirs.swap(CATALOGUE, None, Applied(log=other).to_json())
        theirs.put(CATALOGUE, {("items", b"i-1"): DELETED}, guard=Applied(log=other).to_json())
        rows, header = read(Views(world.batch, theirs))
        entries = answer(Views(world.batch, theirs), lambda snapshot: snapshot.catalogue("items", [b"i-1"]))
    assert (header["degraded"], entries) == (["speed"], {})
    assert rows == twin(world, header["fresh_to"]["offsets"])


def test_without_the_batch_store_the_speed_view_answers_with_what_it_has(world: SmallLambda, down: Any) -> None:
    rows, header = read(Views(down, world.speed))
    assert (header["degraded"], header["generation"]) == (["batch"], None)
    assert header["fresh_to"]["offsets"] == {str(p): offset for p, offset in world.position.offsets.items()}
    # Nothing has been dropped, so that the speed view holds the whole log here.
    assert rows == twin(world, header["fresh_to"]["offsets"])


def test_without_both_it_is_not_ready(down: Any) -> None:
    with pytest.raises(NotReady, match="neither view can be read"):
        read(Views(down, down))


@pytest.mark.parametrize("side", ["batch", "speed"])
@pytest.mark.parametrize("calls", [1, 2, 3, 5, 8])
def test_a_store_that_stops_in_the_middle_of_an_answer_is_left_out_of_all_of_it(
    world: SmallLambda, side: str, calls: int
) -> None:
    made = [0]

    def stops(name: str, args: tuple[Any, ...]) -> None:
        made[0] += 1
        if made[0] >= calls:
            raise StoreUnavailable("stopped")

    stores = {"batch": world.batch, "speed": world.speed}
    stores[side] = Interrupted(stores[side], stops)
    rows, header = read(Views(stores["batch"], stores["speed"]))
    assert header["degraded"] == [side]
    assert rows == twin(world, header["fresh_to"]["offsets"])


def test_before_anything_ran_it_is_not_ready_and_after_the_speed_layer_began_it_is(tmp_path: Path) -> None:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    views = Views(batch, speed)
    with pytest.raises(NotReady, match="nothing is published"):
        read(views)
    world = SmallLambda(batch, speed, RULES, placed(shop(), RULES))
    with pytest.raises(NotReady, match="nothing is published"):
        read(views)
    world.begin()
    world.run_speed(40)
    rows, header = read(views)
    assert (header["generation"], header["degraded"], header["segment"]) == (None, [], 0)
    assert rows == twin(world, header["fresh_to"]["offsets"])
    batch.close()
    speed.close()


def test_a_view_that_never_stands_still_is_left_out_in_the_end(world: SmallLambda) -> None:
    """A writer that is faster than any reading must not delay the answer without end."""
    behind = replace(Control.from_json(world.batch.record(CONTROL) or b""), planned={0: 0, 1: 0, 2: 0, 3: 0})
    stale = Interrupted(world.batch, lambda name, args: None)
    stale.record = lambda book: behind.to_json()  # type: ignore[attr-defined]
    _, header = answer(Views(stale, world.speed), lambda snapshot: (None, snapshot.header()))
    assert header["degraded"] == ["speed"]


def test_a_snapshot_reads_each_record_once(world: SmallLambda) -> None:
    asked: list[str] = []
    count = Interrupted(world.batch, lambda name, args: asked.append(f"{name} {args[0].name}"))
    read(Views(count, world.speed))
    assert asked.count("record control") == 1
    assert isinstance(Snapshot.take(Views(world.batch, world.speed), {}), Snapshot)
