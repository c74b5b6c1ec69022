"""The speed layer's sign of life: one owner at a time, through doubts and losses of the store."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.records.books import LEASE
from adapters.records.lease import BATCH_RUN, SPEED_LAYER, Lease
from adapters.stores import open_store
from schemas.errors import MillraceError, StoreUnavailable
from tests.kit.waiting import until

SECONDS = 0.4
PATIENT_SECONDS = 8  # of those who look for a sign: the owner's thread may be late on a busy machine


class Doubtful:
    """A store whose next swap happens, but whose answer is lost."""

    def __init__(self, store: Any) -> None:
        self._store, self.in_doubt, self.without_files = store, False, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def swap(self, *args: Any, **named: Any) -> bool:
        if self.without_files:
            self.without_files -= 1
            raise OSError(24, "Too many open files")
        done = bool(self._store.swap(*args, **named))
        if self.in_doubt:
            self.in_doubt = False
            raise StoreUnavailable("no answer")
        return done


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    with closing(open_store(f"sqlite:///{tmp_path}/speed.sqlite")) as opened:
        yield Doubtful(opened)


@pytest.fixture
def held(store: Any) -> Iterator[Lease]:
    lease = Lease(store, SECONDS, SPEED_LAYER)
    lease.acquire(print)
    yield lease
    lease.release()


def another(store: Any) -> None:
    """A second speed layer's start."""
    second = Lease(store, PATIENT_SECONDS, SPEED_LAYER)
    try:
        second.acquire(print)
    finally:
        second.release()


def test_an_error_of_the_system_ends_no_sign_of_life(store: Any, held: Lease) -> None:
    store.without_files = 2
    until(lambda: not store.without_files)
    before = store.record(LEASE)
    until(lambda: store.record(LEASE) != before)


def test_a_second_one_is_refused_and_harms_nothing(store: Any, held: Lease) -> None:
    for _ in range(2):
        with pytest.raises(MillraceError, match="already runs"):
            another(store)


def test_a_sign_whose_answer_was_lost_is_not_the_last(store: Any, held: Lease) -> None:
    store.in_doubt = True
    until(lambda: not store.in_doubt)
    with pytest.raises(MillraceError, match="already runs"):
        another(store)


def test_an_owner_whose_store_was_emptied_signs_again(store: Any, held: Lease, tmp_path: Path) -> None:
    for path in tmp_path.iterdir():
        path.unlink()
    until(lambda: store.record(LEASE) is not None)
    with pytest.raises(MillraceError, match="already runs"):
        another(store)


def test_an_owner_asks_for_its_own_lease_again_without_waiting(store: Any, held: Lease) -> None:
    said: list[str] = []
    held.acquire(said.append)
    assert said == []


def test_a_clean_stop_lets_the_next_one_in_at_once(store: Any) -> None:
    said: list[str] = []
    for _ in range(2):
        lease = Lease(store, SECONDS, SPEED_LAYER)
        lease.acquire(said.append)
        lease.release()
    assert said == []


def test_leases_of_different_kinds_do_not_meet(store: Any, held: Lease) -> None:
    other = Lease(store, SECONDS, BATCH_RUN)
    other.acquire(print)
    with pytest.raises(MillraceError, match=r"a batch run already runs: .*; wait for it to end, or stop it"):
        Lease(store, PATIENT_SECONDS, BATCH_RUN).acquire(print)
    other.release()
