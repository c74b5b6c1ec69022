"""``verify`` compares every view as a reader gets it, and finds a planted error of each kind, in either view."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from adapters.records.books import SPEED, generation_book, segment_space, state_space
from adapters.stores import open_store
from core.control.changes import record_boundary
from core.rows.codec import (
    pack_facts,
    pack_history,
    pack_item,
    pack_norm,
    pack_seen,
    pack_sums,
    unpack_facts,
    unpack_history,
    unpack_item,
    unpack_norm,
    unpack_seen,
    unpack_sums,
)
from core.rows.sketch import merge_sketches, pack_sketch
from core.rows.tagged import settle, tagged
from core.rows.views import (
    ACTIVE_USERS,
    ACTIVITY,
    EXCESS,
    EXCESS_USERS,
    FACTS,
    HISTORY,
    ITEMS,
    NORMS,
    PAIRS,
    SEEN,
    VIEWS,
)
from core.rows.words import MINUTE_BITS
from schemas.control import Offsets, Position
from schemas.errors import MillraceError
from schemas.event import REMOVE, Event
from schemas.rules import Rules
from serving_layer.proof.compare import compare
from serving_layer.proof.histories import Prefix
from serving_layer.proof.merged_rows import MergedRows, Moved
from serving_layer.proof.report import Report
from tests.kit.exact.stores import MemoryStore
from tests.kit.small_lambda import SmallLambda, placed

RULES = Rules(history_items=3, remembered_ids=4, partitions=2, counted_per_day=1)
START = 1_760_000_000_000
BATCH, ALL = 60, 100


def events(number: int) -> list[Event]:
    """Users, items and weights of all kinds, every seventh event a duplicate."""
    weights = [1000, 0, 2000, 5000, REMOVE, 1000]
    ids = [f"e{k - 6}" if k % 7 == 1 else f"e{k}" for k in range(number)]
    return [
        Event(0, 0, START + k, ids[k], START + k * 600_000, "any", f"u{k % 6}", f"i{k * 7 % 11}", None,
              weights[k * 5 % 6], f"c{k % 3}" if k % 2 else None)
        for k in range(number)
    ]  # fmt: skip


@dataclass
class World:
    """A generation over the first events and segments over the next; ``read``: up to where events were read later."""

    small: SmallLambda
    read: list[Offsets] = field(default_factory=list)

    def report(self, sample: int | None = None, upto: Offsets | None = None, more: bool = False) -> Report:
        """Of everything applied, or of everything below ``upto``, with the speed layer beyond it if ``more``."""
        small = self.small
        upto = upto or small.position.offsets
        boundary = small.control.active_boundary.offsets if small.control.active else None
        prefix = Prefix(RULES, upto, read=self.between, newest=lambda: small.position, boundary=boundary)
        prefix.take(small.below(upto))
        last = small.control.boundaries[-1].id if more else 10**9
        segments = [segment for segment in small.control.active_segments if segment < last]
        return compare(prefix, MergedRows(small.batch, small.speed, small.control, small.position, segments), sample)

    def between(self, start: Offsets, end: Offsets) -> Iterator[Event]:
        self.read.append(end)
        yield from (e for e in self.small.below(end) if e.offset >= start[e.partition])

    def of_generation(self, view: str, key: bytes | None = None) -> tuple[bytes, bytes]:
        rows = dict(self.small.batch.scan(generation_book(self.small.control.active or ""), view))
        key = key or min(rows)
        return key, rows[key]

    def plant(self, view: str, key: bytes, value: bytes | None) -> None:
        book = generation_book(self.small.control.active or "")
        if value is None:
            self.small.batch.delete(book, view, [key])
        else:
            self.small.batch.put(book, {(view, key): value})

    def plant_in_speed(self, view: str, change: Callable[[bytes], bytes], key: bytes | None = None) -> bytes:
        """Change what counts in one row of the speed view."""
        small, position = self.small, self.small.position
        segment = small.control.active_segments[0]
        epoch = position.epoch
        space = segment_space(epoch, view, segment) if VIEWS[view].segmented else state_space(epoch, view)
        rows = dict(small.speed.scan(SPEED, space))
        key = key or min(rows)
        row = settle(rows[key], position, VIEWS[view].merge)
        assert row is not None
        assert small.speed.put(
            SPEED, {(space, key): tagged(None, position, position.attempt, change(row))}, guard=small.guard
        )
        return key


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    small = SmallLambda(batch, speed, RULES, placed(events(140), RULES))
    small.begin()
    small.run_speed(30)
    small.run_batch(BATCH)
    small.run_speed(80)
    small.run_speed(ALL)
    yield World(small)
    batch.close()
    speed.close()


def test_all_views_are_compared_and_named(world: World) -> None:
    report = world.report()
    assert report.proved, report.examples
    document = report.as_json()
    assert (document["users"], document["histories"], document["mismatches"]) == (6, 6, 0)
    assert (
        min(
            int(str(document[name]))
            for name in ("events", "items", "pairs", "counts", "seen", "categories", "activity", "active_users")
        )
        > 5
    )
    assert report.duplicates > 5
    assert report.excess > 3
    assert report.events + report.duplicates == ALL
    assert report.facts >= 3


def wrong_history(row: bytes) -> bytes:
    history = unpack_history(row)
    first, *others = history.entries
    return pack_history(replace(history, entries=(replace(first, rating=first.rating + 1), *others)))


def forgotten_id(row: bytes) -> bytes:
    history = unpack_history(row)
    return pack_history(replace(history, ids=history.ids[1:]))


def other_share(row: bytes) -> bytes:
    return pack_history(replace(unpack_history(row), counted=((1, 1),)))


def flipped(row: bytes) -> bytes:
    words = unpack_seen(row)
    first = min(words)
    words[first] = (7_000 if words[first][0] <= 0 else 0), words[first][1]
    return pack_seen((name, *said) for name, said in words.items())


def touched_later(row: bytes) -> bytes:
    words = unpack_seen(row)
    first = min(words, key=lambda name: words[name][1] == 0)
    words[first] = words[first][0], words[first][1] + (1 << MINUTE_BITS)
    return pack_seen((name, *said) for name, said in words.items())


def other_category(row: bytes) -> bytes:
    return pack_item(replace(unpack_item(row), category="other"))


def one_more_user(row: bytes) -> bytes:
    return merge_sketches(row, pack_sketch({17: 40}))


def facts_with(**wrong: object) -> Callable[[bytes], bytes]:
    return lambda row: pack_facts(replace(unpack_facts(row), **wrong))  # type: ignore[arg-type]


SPOILED = {
    "norm": (NORMS, lambda row: pack_norm(unpack_norm(row) + 1), "norm of i"),
    "pair": (PAIRS, lambda row: pack_sums([*unpack_sums(row).items(), (b"nobody", 1)]), "pair of i"),
    "rating in a history": (HISTORY, wrong_history, "history of u"),
    "id in a history": (HISTORY, forgotten_id, "history of u"),
    "word of a seen set": (SEEN, flipped, "item i"),
    "touches in a seen set": (SEEN, touched_later, "item i"),
    "activity": (ACTIVITY, lambda row: pack_sums([*unpack_sums(row).items(), (b"zz", 1)]), "activity by all in"),
    "active users": (ACTIVE_USERS, one_more_user, "active users in bucket"),
    "excess": (EXCESS, lambda row: pack_sums([*unpack_sums(row).items(), (b"zz", -1)]), "excess in bucket"),
    "excess_users": (EXCESS_USERS, lambda row: pack_sums([*unpack_sums(row).items(), (b"zz", 1)]), "excess on day"),
    "share in a history": (HISTORY, other_share, "history of u"),
    "category": (ITEMS, other_category, "category of i"),
    "as_of": (FACTS, facts_with(as_of=START * 2), "fact as_of"),
    "oldest bucket": (FACTS, facts_with(oldest_bucket=5), "fact oldest bucket"),
    "first hour": (FACTS, facts_with(first_hour=5), "fact first hour"),
    "events": (FACTS, facts_with(events=3), "fact events"),
    "excess in all": (FACTS, facts_with(excess=1000), "excess"),
    "duplicates": (FACTS, facts_with(duplicates=1000), "duplicates"),
    "rejected": (FACTS, facts_with(rejected={"oversize": 2}), "fact rejected, oversize"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_planted_error_in_the_speed_view_is_found_and_named(world: World, what: str) -> None:
    view, change, name = SPOILED[what]
    world.plant_in_speed(view, change)
    report = world.report()
    assert (report.proved, report.mismatches) == (False, 1), report.examples
    assert (report.examples or [""])[0].startswith(name)


@pytest.mark.parametrize("what", SPOILED)
def test_a_planted_error_in_a_generation_alone_is_found_and_named(world: World, what: str) -> None:
    world.small.run_batch(ALL)
    view, change, name = SPOILED[what]
    key, row = world.of_generation(view)
    world.plant(view, key, change(row))
    if view == HISTORY:  # the speed layer's counts, but the next generation begins from this one
        report = world.report()
        assert report.mismatches == 1
        assert f"{key.decode()} in generation" in (report.examples or [""])[0]
        world.small.control = replace(world.small.control, epoch=5)
        world.small.position = replace(world.small.position, epoch=5)
    report = world.report()
    assert (report.proved, report.mismatches) == (False, 1), report.examples
    assert (report.examples or [""])[0].startswith(name)


@pytest.mark.parametrize(
    ("view", "name"), [(HISTORY, "history of"), (SEEN, "item"), (ITEMS, "category of"), (FACTS, "")]
)
def test_a_row_that_is_gone_and_one_of_nobody_are_found(world: World, view: str, name: str) -> None:
    world.small.run_batch(ALL)
    world.small.position = replace(world.small.position, epoch=5)  # the generation's rows alone
    world.small.control = replace(world.small.control, epoch=5)
    key, row = world.of_generation(view)
    world.plant(view, key, None)
    if view != FACTS:
        world.plant(view, b"nobody", row)
    report = world.report()
    assert not report.proved
    examples = report.examples or []
    assert all(example.startswith(name) for example in examples)
    assert view == FACTS or {key.decode() in example or "nobody" in example for example in examples} == {True}


def test_a_generations_histories_are_compared_at_its_boundary_though_the_speed_layer_has_later_ones(
    world: World,
) -> None:
    """Also one that is gone, and that of a user whose later events changed it."""
    rows = dict(world.small.batch.scan(generation_book(world.small.control.active or ""), HISTORY))
    changed, gone = sorted(rows)[:2]
    assert world.report().proved
    world.plant(HISTORY, changed, forgotten_id(rows[changed]))
    world.plant(HISTORY, gone, None)
    report = world.report()
    assert report.mismatches == 2, report.examples
    assert {(example.split()[2], example.split()[4]) for example in report.examples or []} == {
        (changed.decode(), "generation"), (gone.decode(), "generation")
    }  # fmt: skip
    assert report.histories == 6


def test_histories_are_compared_at_the_position_though_the_speed_layer_is_past_the_boundary(world: World) -> None:
    small = world.small
    boundary = small.ends(ALL)
    small._control(record_boundary(small.control, boundary)[0])
    small.run_speed(140)
    report = world.report(upto=boundary, more=True)
    assert report.proved, report.examples
    assert (report.histories, world.read) == (6, [small.position.offsets])
    assert report.events + report.duplicates == ALL
    world.plant_in_speed(HISTORY, forgotten_id)
    assert world.report(upto=boundary, more=True).mismatches == 1


def test_a_history_written_twice_while_it_is_read_is_read_again(world: World) -> None:
    """The position of before cannot show it any more; that of after can, with the slow twin carried on."""
    small = world.small
    boundary = small.ends(ALL)
    small._control(record_boundary(small.control, boundary)[0])
    asked = list[Position]()

    def newest() -> Position:
        asked.append(small.position)
        if len(asked) == 1:
            for end in (110, 120, 140):
                small.run_speed(end)
        return asked[-1]

    prefix = Prefix(RULES, boundary, read=world.between, newest=newest)
    prefix.take(small.below(boundary))
    segments = [segment for segment in small.control.active_segments if segment < small.control.boundaries[-1].id]
    report = compare(prefix, MergedRows(small.batch, small.speed, small.control, small.position, segments))
    assert report.proved, report.examples
    assert (report.histories, len(asked)) == (6, 2)


def test_another_epoch_makes_the_comparison_void(world: World) -> None:
    small = world.small
    prefix = Prefix(RULES, small.position.offsets, newest=lambda: replace(small.position, epoch=9))
    prefix.take(small.below(small.position.offsets))
    with pytest.raises(Moved):
        compare(
            prefix, MergedRows(small.batch, small.speed, small.control, small.position, small.control.active_segments)
        )


def test_a_sample_has_the_items_with_all_their_sums_and_the_users_who_touched_them(world: World) -> None:
    small, whole = world.small, world.report()
    report = world.report(sample=2)
    assert report.proved, report.examples
    assert report.items <= report.categories == 2
    assert 0 < report.histories < whole.histories or 0 < report.seen < whole.seen
    assert report.events == whole.events
    for user in {event.user_id for event in small.log}:
        world.plant_in_speed(HISTORY, forgotten_id, user.encode())
    assert world.report(sample=2).mismatches == report.histories


def test_facts_alone_prove_nothing() -> None:
    empty = SmallLambda(MemoryStore(), MemoryStore(), RULES, [])
    empty.begin()
    with pytest.raises(MillraceError, match="nothing was compared: no accepted event lies below the boundary yet"):
        compare(Prefix(RULES, {0: 0, 1: 0}), MergedRows(empty.batch, empty.speed, empty.control, empty.position, [0]))
