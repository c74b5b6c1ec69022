"""The record of delays: written every few seconds, by hour of arrival; it outlives restarts and absent stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.records.books import FRESHNESS
from adapters.records.delays import KEPT_DAYS, known_hours, read_delays
from adapters.stores import open_store
from adapters.stores.port import ViewStore
from schemas.errors import StoreUnavailable
from schemas.event import BUCKET_MS
from speed_layer.freshness import WRITE_EVERY_SECONDS, Freshness

HOUR = 24 * 20_000 + 9
NOW = HOUR * BUCKET_MS + 60_000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViewStore]:
    opened = open_store(f"sqlite:///{tmp_path}/speed.sqlite")
    yield opened
    opened.close()


def known(store: ViewStore) -> dict[int, tuple[int, float | None]]:
    """Events and the longest delay by hour, counted from the first one."""
    read = read_delays(store, known_hours(store))
    return {hour - HOUR: (delays.events, delays.seconds(1.0)) for hour, delays in read.items()}


def test_events_count_in_the_hour_in_which_they_entered_the_log(store: ViewStore) -> None:
    kept = Freshness(store)
    kept.note((NOW - 500, 3, NOW - 2 * BUCKET_MS, 2), NOW)
    kept.write()
    assert known(store) == {-2: (2, 7200.0), 0: (3, 0.5)}
    assert known_hours(store) == range(HOUR - 2, HOUR + 1)


def test_what_several_lives_counted_of_an_hour_is_added_up(store: ViewStore) -> None:
    for life in range(3):
        kept = Freshness(store)
        kept.note((NOW - 100 * life, 10), NOW)
        kept.write()
        kept.note((NOW - 10, 1), NOW)
        kept.write()
    assert known(store) == {0: (33, 0.2)}


def test_it_is_written_every_few_seconds_and_not_with_every_commit(store: ViewStore) -> None:
    clock = Clock()
    kept = Freshness(store, clock)
    for _ in range(100):
        kept.note((NOW - 5, 1), NOW)
        kept.maybe()
    assert known(store) == {0: (1, 0.005)}
    clock.now = WRITE_EVERY_SECONDS
    kept.maybe()
    assert known(store) == {0: (100, 0.005)}


class Away:
    """A store that is away until it is back."""

    def __init__(self, store: ViewStore) -> None:
        self.store, self.away = store, True

    def put(self, *given: object, **more: object) -> bool:
        if self.away:
            raise StoreUnavailable("away")
        return self.store.put(*given, **more)  # type: ignore[arg-type]

    def spaces(self, *given: object) -> set[str]:
        if self.away:
            raise StoreUnavailable("away")
        return self.store.spaces(*given)  # type: ignore[arg-type]


def test_a_store_that_is_away_gets_it_later_even_the_next_day(store: ViewStore) -> None:
    away = Away(store)
    kept = Freshness(away)  # type: ignore[arg-type]
    for day in (0, 1):
        now = NOW + day * 24 * BUCKET_MS
        kept.note((now - 700, 4), now)
        kept.write()
    assert known(store) == {}
    away.away = False
    kept.write()
    assert known(store) == {0: (4, 0.7), 24: (4, 0.7)}


def test_what_belongs_to_the_day_before_is_added_to_what_was_written_then(store: ViewStore) -> None:
    kept = Freshness(store)
    kept.note((NOW, 5), NOW + 10)
    kept.write()
    later = NOW + 24 * BUCKET_MS
    kept.note((later, 1), later)
    kept.note((NOW, 2), later)
    kept.write()
    assert known(store) == {0: (7, 86_400.0), 24: (1, 0.0)}


def test_days_that_are_too_old_are_forgotten(store: ViewStore) -> None:
    for day in (0, KEPT_DAYS):
        kept, now = Freshness(store), NOW + day * 24 * BUCKET_MS
        kept.note((now, 1), now)
        kept.write()
    assert {int(space) for space in store.spaces(FRESHNESS)} == {HOUR // 24 + KEPT_DAYS}


def test_nothing_is_known_before_anything_was_committed(store: ViewStore) -> None:
    Freshness(store).write()
    assert (known_hours(store), read_delays(store, range(9))) == (range(0), {})
