"""A process that follows both views: what it answers from memory, and when it no longer does."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.records.books import CATALOGUE, generation_book
from adapters.records.control import Applied
from adapters.stores import open_store
from core.rows.catalogue_rows import DELETED
from core.rows.views import PAIRS
from schemas.control import Offsets
from schemas.errors import StoreUnavailable
from schemas.event import Event
from serving_layer.answers.lookups import similar, trending
from serving_layer.merged.catalogue import Page
from serving_layer.merged.sums import MergedSums
from serving_layer.reading import follower as following
from serving_layer.reading import pace
from serving_layer.reading.answering import answer, answer_from_memory
from serving_layer.reading.follower import Follower
from serving_layer.reading.following import followed
from serving_layer.reading.patience import MustRead
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.serving import shop
from tests.kit.slow_lookups import RULES
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.streams import START
from tests.kit.waiting import until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallLambda]:
    """A generation over 60 events, and a speed layer at 120 of 200."""
    with (
        closing(open_store(f"sqlite:///{tmp_path}/batch.sqlite")) as batch,
        closing(open_store(f"sqlite:///{tmp_path}/speed.sqlite")) as speed,
    ):
        made = SmallLambda(batch, speed, RULES, placed(shop(), RULES))
        made.begin()
        made.run_speed(50)
        made.run_batch(60)
        made.run_speed(120)
        yield made


@pytest.fixture
def views(world: SmallLambda) -> Views:
    """They are followed, but look only when a test has them look."""
    made = Views(world.batch, world.speed)
    made.follower = Follower(made)
    return made


def look(views: Views) -> None:
    assert isinstance(views.follower, Follower)
    views.follower.look()


def lookup(snapshot: Snapshot) -> dict[str, Any]:
    return trending(snapshot, 168, None, Page(n=100))


def write(world: SmallLambda, name: bytes, row: bytes) -> None:
    """As a follower of the topics does it: under a claim, which it closes."""
    text = world.speed.record(CATALOGUE)
    claim = Applied.from_json(text).moved(settled=False)
    assert world.speed.swap(CATALOGUE, text, claim.to_json())
    assert world.speed.put(CATALOGUE, {("items", name): row}, guard=claim.to_json())
    assert world.speed.swap(CATALOGUE, claim.to_json(), claim.moved(settled=True).to_json())


def test_an_answer_whose_rows_are_in_memory_reads_no_store_and_is_the_same(views: Views) -> None:
    look(views)
    with pytest.raises(MustRead):
        answer_from_memory(views, lookup)
    first = answer(views, lookup)
    assert answer_from_memory(views, lookup) == first == answer(Views(views.batch, views.speed), lookup)


def test_an_item_that_is_hidden_leaves_every_list_by_the_next_look(world: SmallLambda, views: Views) -> None:
    look(views)
    listed = [row["item_id"] for row in answer(views, lookup)["items"]]
    write(world, listed[0].encode(), DELETED)
    look(views)
    assert [row["item_id"] for row in answer(views, lookup)["items"]] == listed[1:]


def test_while_a_claim_is_open_every_look_reads_the_catalogue_again(world: SmallLambda, views: Views) -> None:
    claim = Applied().moved(settled=False)
    assert world.speed.swap(CATALOGUE, None, claim.to_json())
    look(views)
    listed = [row["item_id"] for row in answer(views, lookup)["items"]]
    for name in listed[:2]:
        world.speed.put(CATALOGUE, {("items", name.encode()): DELETED}, guard=claim.to_json())
        look(views)
        assert name not in [row["item_id"] for row in answer(views, lookup)["items"]]


def test_a_moment_that_is_too_old_answers_nothing(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    look(views)
    assert views.current() is not None
    monkeypatch.setattr(following, "MOST_AGE_SECONDS", -1.0)
    assert views.current() is None
    assert answer(views, lookup)["degraded"] == []


def test_a_store_that_is_down_leaves_no_moment_and_what_was_kept_serves_again_later(
    world: SmallLambda, views: Views
) -> None:
    look(views)
    whole = answer(views, lookup)
    moment, real = views.current(), views.speed
    with closing(open_store("redis://127.0.0.1:1/0")) as down:
        views.speed = down
        look(views)
        assert views.current() is None
        assert answer(views, lookup)["degraded"] == ["speed"]
    views.speed = real
    look(views)
    assert views.current() is not None
    assert views.current().rows is moment.rows  # type: ignore[union-attr]
    assert answer_from_memory(views, lookup) == whole


def test_the_current_moment_becomes_that_of_the_commit_that_holds_new_events(world: SmallLambda) -> None:
    views = Views(world.batch, world.speed)

    def holds(offsets: Offsets) -> bool:
        moment = views.current()
        return moment is not None and moment.holds(offsets)

    with followed(views):
        until(lambda: views.current() is not None)
        ahead = world.ends(200)
        assert not holds(ahead)
        world.run_speed(200)
        until(lambda: holds(ahead))
        moment = views.current()
        assert moment is not None
        assert moment.offsets == ahead


def test_norms_equal_those_of_the_stores_after_every_commit(tmp_path: Path) -> None:
    """Every user is a new one, so that norms grow with every event."""
    items = [f"i{number}" for number in range(6)]
    events = [
        Event(0, 0, START, f"e{k}", START, "any", f"u{k // 3}", items[k * k % 6], None, 1000, None) for k in range(60)
    ]

    def norms(snapshot: Snapshot) -> dict[str, int]:
        codes = snapshot.index.codes([item.encode() for item in items])
        return dict(zip(items, MergedSums(snapshot).norms(codes).tolist(), strict=True))

    with (
        closing(open_store(f"sqlite:///{tmp_path}/batch.sqlite")) as batch,
        closing(open_store(f"sqlite:///{tmp_path}/speed.sqlite")) as speed,
    ):
        world = SmallLambda(batch, speed, RULES, placed(events, RULES))
        world.begin()
        views = Views(batch, speed)
        views.follower = Follower(views)
        for count in range(10, 61, 5):
            world.run_speed(count)
            look(views)
            for _ in range(2):  # what the first answer reads is shared from the second one on
                assert answer(views, norms) == answer(Views(batch, speed), norms)


def test_lookups_of_one_item_equal_those_of_the_stores_after_every_commit(world: SmallLambda, views: Views) -> None:
    items = sorted({event.item_id.encode() for event in world.log})
    for count in range(125, 201, 15):
        world.run_speed(count)
        look(views)
        for item in items[:10]:
            from_memory = answer(views, lambda snapshot, item=item: similar(snapshot, item, Page()))  # type: ignore[misc]
            slow = Views(world.batch, world.speed)
            assert from_memory == answer(slow, lambda snapshot, item=item: similar(snapshot, item, Page()))  # type: ignore[misc]


def test_a_follower_that_nobody_asks_rests_and_the_first_answer_afterwards_holds_the_newest_commit(
    world: SmallLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LOOK_SECONDS", 0.0)  # else a commit of less than 20 ms is within the age of any answer
    monkeypatch.setattr(pace, "REST_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(pace, "REST_SECONDS", 3600.0)
    monkeypatch.setattr(pace, "WAKING_SECONDS", 60.0)
    views = Views(world.batch, world.speed)
    with followed(views):
        for count in (160, 200):
            until(lambda: views.follower.pace.rests)  # type: ignore[union-attr]
            world.run_speed(count)
            with pytest.raises(MustRead):
                answer_from_memory(views, lookup)
            offsets = answer(views, lookup)["fresh_to"]["offsets"]
            assert {int(partition): offset for partition, offset in offsets.items()} == world.position.offsets


def warm(views: Views) -> None:
    assert isinstance(views.follower, Follower)
    while views.follower.warm():
        pass


def rows_in(world: SmallLambda) -> set[bytes]:
    book = generation_book(str(world.control.active))
    return {key for key, _ in world.batch.scan(book, PAIRS)}


def test_what_nobody_asked_for_is_in_memory_before_it_is_asked_for(world: SmallLambda, views: Views) -> None:
    look(views)
    warm(views)
    for item in sorted(rows_in(world)):
        given = answer_from_memory(views, lambda snapshot, item=item: similar(snapshot, item, Page(n=50)))
        slow = answer(Views(world.batch, world.speed), lambda snapshot, item=item: similar(snapshot, item, Page(n=50)))
        assert given == slow


def test_rows_that_came_before_their_turn_stay_as_they_are(world: SmallLambda, views: Views) -> None:
    look(views)
    first = sorted(rows_in(world))[0]
    answer(views, lambda snapshot: similar(snapshot, first, Page(n=50)))
    world.run_speed(150)
    look(views)
    warm(views)
    slow = answer(Views(world.batch, world.speed), lambda snapshot: similar(snapshot, first, Page(n=50)))
    assert answer_from_memory(views, lambda snapshot: similar(snapshot, first, Page(n=50))) == slow


def test_a_memory_without_room_is_filled_by_no_more_than_its_share(world: SmallLambda) -> None:
    small = Views(world.batch, world.speed, cache_bytes=20_000)
    small.follower = Follower(small)
    look(small)
    warm(small)
    moment = small.current()
    assert moment is not None
    assert 0 < moment.rows.bytes <= 20_000


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a bug")])
def test_a_store_that_is_away_ends_the_filling_and_answers_go_on(
    error: Exception, world: SmallLambda, views: Views
) -> None:
    look(views)

    def gone(*_: object) -> Iterator[tuple[bytes, bytes]]:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views.batch, "scan", gone)
        assert isinstance(views.follower, Follower)
        assert not views.follower.warm()
    assert answer(views, lookup) == answer(Views(world.batch, world.speed), lookup)
