"""Personal lists in a real store: what is changed at the same time, and what is forgotten."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.records.books import LISTS
from adapters.records.lists import USERS, change_lists, forget_lists, read_lists
from adapters.stores import ViewStore, open_store
from core.lists.personal import MOST_LISTS, Change, Lists, PersonalList
from schemas.errors import Unprocessable

OWN = PersonalList({"a": 1.0})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ViewStore]:
    store = open_store(f"sqlite:///{tmp_path / 'batch.sqlite'}")
    yield store
    store.close()


def test_lists_are_those_of_their_user_alone(store: ViewStore) -> None:
    assert read_lists(store, b"ann") == {}
    change_lists(store, b"ann", lambda lists: {**lists, "gifts": OWN})
    assert read_lists(store, b"ann") == {"gifts": OWN}
    assert read_lists(store, b"bob") == {}


def test_changes_at_the_same_time_are_all_kept(store: ViewStore) -> None:
    change_lists(store, b"ann", lambda _: {"gifts": PersonalList()})

    def add(k: int) -> None:
        def change(lists: Lists) -> Lists:
            return {"gifts": Change(add={f"item {k}": 1.0}).of(lists["gifts"], k)}

        change_lists(store, b"ann", change)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    assert set(read_lists(store, b"ann")["gifts"].items) == {f"item {k}" for k in range(12)}


def test_forgetting_leaves_nothing_of_the_user(store: ViewStore) -> None:
    for user in (b"ann", b"bob"):
        change_lists(store, user, lambda _: {"gifts": OWN})
    forget_lists(store, b"ann")
    forget_lists(store, b"nobody")
    assert dict(store.scan(LISTS, USERS)).keys() == {b"bob"}
    assert b"ann" not in (store.record(LISTS) or b"")


def test_a_change_that_is_refused_changes_nothing(store: ViewStore) -> None:
    change_lists(store, b"ann", lambda _: {"gifts": OWN})
    with pytest.raises(Unprocessable, match="delete one first"):
        change_lists(store, b"ann", lambda lists: {**lists, **{f"{k}": OWN for k in range(MOST_LISTS)}})
    assert read_lists(store, b"ann") == {"gifts": OWN}
