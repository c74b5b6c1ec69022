"""Catalogue records that fail the contract: dead letters like events, counted once, sent again to their own topic."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.log.dead_letters import dead_letters
from adapters.log.kafka_log import Log
from adapters.records.books import CATALOGUE
from adapters.records.catalogue import ITEMS, catch_up
from adapters.records.control import Applied
from adapters.stores import ViewStore, open_store
from core.rows.catalogue_rows import unpack_item_record
from millrace.rejected.replaying import Replayed, Replayer
from schemas.control import LogIdentity
from schemas.errors import SettingsError, StoreUnavailable

pytestmark = pytest.mark.kafka

BAD: list[tuple[bytes, bytes]] = [
    (b"it-1", b'{"item_id": "it-1", "price": "9.99"}'),
    (b"7", b'{"item_id": 7}'),
    (b"other", b'{"item_id": "it-2", "title": "Two"}'),
]
REASONS = {"invalid:price": 1, "invalid:item_id": 1, "key_mismatch": 1}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViewStore]:
    with closing(open_store(f"sqlite:///{tmp_path}/speed.sqlite")) as store:
        yield store


@pytest.fixture
def filled(log: Log) -> Log:
    """Three bad items, then a good one and a bad user."""
    log.appender().append_all(log.topics.items, [*BAD, (b"it-1", b'{"item_id": "it-1", "title": "One"}')])
    log.appender().append_all(log.topics.users, [(b"u", b"{")])
    return log


def counts(store: ViewStore) -> dict[str, int]:
    return Applied.from_json(store.record(CATALOGUE)).rejected_by_reason


class Interrupted:
    """A store that fails at one swap."""

    def __init__(self, store: ViewStore, at: int) -> None:
        self._store, self._left = store, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def swap(self, *args: Any) -> bool:
        self._left -= 1
        if self._left == 0:
            raise StoreUnavailable("gone")
        return self._store.swap(*args)


def test_rejected_records_are_dead_letters_with_bytes_place_and_reason(filled: Log, store: ViewStore) -> None:
    assert catch_up(filled, store) == 5
    letters = {
        (letter.record.topic, letter.record.partition, letter.record.offset): letter for letter in dead_letters(filled)
    }
    items = [letters[filled.topics.items, 0, offset] for offset in range(3)]
    assert [(letter.record.key, letter.record.value) for letter in items] == BAD
    assert [letter.reason for letter in items] == list(REASONS)
    assert letters[filled.topics.users, 0, 0].reason == "malformed"
    assert len(letters) == 4
    assert counts(store) == {**REASONS, "malformed": 1}
    assert list(dict(store.scan(CATALOGUE, ITEMS))) == [b"it-1"]


def test_one_that_is_met_again_after_a_crash_is_counted_and_listed_once(filled: Log, store: ViewStore) -> None:
    with pytest.raises(StoreUnavailable):  # after the letters were buried, before the record said so
        catch_up(filled, Interrupted(store, at=2))  # type: ignore[arg-type]
    assert counts(store) == {}
    catch_up(filled, store)
    catch_up(filled, store)
    assert counts(store) == {**REASONS, "malformed": 1}
    assert len(list(dead_letters(filled))) == 4
    assert filled.end_offsets(filled.topics.dead_letters)[0] > 4


def test_replay_keys_by_the_id_goes_to_the_topic_and_never_replaces_a_newer_record(
    filled: Log, store: ViewStore
) -> None:
    catch_up(filled, store)
    replayer = Replayer(filled, store, filled.appender())
    letters = [letter for letter in dead_letters(filled) if letter.reason in ("invalid:price", "key_mismatch")]
    assert replayer.send(letters) == Replayed(sent=1, superseded=1)
    assert replayer.send(letters) == Replayed(before=1, superseded=1)
    catch_up(filled, store)
    rows = store.read(CATALOGUE, ITEMS, [b"it-1", b"it-2"])
    titles = [getattr(unpack_item_record(rows[key]), "title", None) for key in (b"it-1", b"it-2")]
    assert titles == ["One", "Two"]
    assert filled.end_offsets()[0] == 0


def test_the_catalogue_of_another_log_is_refused_and_stays_as_it_is(filled: Log, store: ViewStore) -> None:
    theirs = Applied(log=replace(filled.identity(), topic_id="theirs")).to_json()
    store.swap(CATALOGUE, None, theirs)
    with pytest.raises(SettingsError, match="another log"):
        catch_up(filled, store)
    assert store.record(CATALOGUE) == theirs


def test_a_catalogue_that_an_earlier_version_kept_is_adopted(filled: Log, store: ViewStore) -> None:
    store.swap(CATALOGUE, None, b'{"items": {"0": 4}, "users": {"0": 1}, "version": 8, "writer": "x"}')
    assert catch_up(filled, store) == 0
    assert json.loads(store.record(CATALOGUE) or b"")["items"] == {"0": 4}
    assert isinstance(Applied.from_json(store.record(CATALOGUE)).log, LogIdentity)
