"""Several followers of the catalogue: one applies, the others leave it alone unless its claim is left behind."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.log.kafka_log import Log
from adapters.records.books import CATALOGUE
from adapters.records.catalogue import CHUNK_RECORDS, ITEMS, LEFT_SECONDS, Claims, catch_up
from adapters.records.control import Applied
from adapters.stores import ViewStore, open_store
from schemas.errors import StoreUnavailable

pytestmark = pytest.mark.kafka

MANY = 2 * CHUNK_RECORDS + 5


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Told:
    """A store that does something else first before each put of rows."""

    def __init__(self, store: ViewStore, first: Any) -> None:
        self._store, self._first = store, first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, *args: Any, **named: Any) -> bool:
        self._first()
        return self._store.put(*args, **named)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViewStore]:
    with closing(open_store(f"sqlite:///{tmp_path}/speed.sqlite")) as store:
        yield store


@pytest.fixture
def filled(log: Log) -> Log:
    rows = [(f"it-{n}".encode(), json.dumps({"item_id": f"it-{n}"}).encode()) for n in range(MANY)]
    log.appender().append_all(log.topics.items, rows)
    return log


def applied(store: ViewStore) -> Applied:
    return Applied.from_json(store.record(CATALOGUE))


def test_a_follower_leaves_a_claim_alone_that_moves(filled: Log, store: ViewStore) -> None:
    """Two that took each other's claims applied the same records for ever, and answers kept no row of the catalogue."""
    clock = Clock()
    other, seen = Claims(clock), list[int]()

    def meanwhile() -> None:
        clock.now += 0.9 * LEFT_SECONDS
        seen.append(catch_up(filled, store, other))

    assert catch_up(filled, Told(store, meanwhile)) == MANY  # type: ignore[arg-type]
    assert seen == [0, 0, 0]
    assert applied(store).settled
    assert len(dict(store.scan(CATALOGUE, ITEMS))) == MANY


def test_a_claim_that_is_left_behind_is_taken_over_where_it_stood(filled: Log, store: ViewStore) -> None:
    puts = list[int]()

    def fail() -> None:
        puts.append(1)
        if len(puts) == 2:
            raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        catch_up(filled, Told(store, fail))  # type: ignore[arg-type]
    assert (applied(store).settled, applied(store).items) == (False, {"0": CHUNK_RECORDS})
    clock = Clock()
    other = Claims(clock)
    assert catch_up(filled, store, other) == 0
    clock.now = LEFT_SECONDS
    assert catch_up(filled, store, other) == MANY - CHUNK_RECORDS
    assert applied(store).settled
    assert len(dict(store.scan(CATALOGUE, ITEMS))) == MANY
