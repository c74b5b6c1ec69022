"""What the contract's tests have in common: connections, books, and calls made at the same moment."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adapters.stores import Book, ViewStore, open_store

names = itertools.count()  # of books


def together(*calls: Callable[[], Any]) -> list[Any]:
    """The calls' results, each made in a thread of its own at about the same moment."""
    barrier = threading.Barrier(len(calls))

    def after_all_are_there(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(after_all_are_there, calls))


class OnAStore:
    """A subclass supplies ``url``; books have new names, so that tests may share one store."""

    @pytest.fixture
    def connect(self, url: str) -> Iterator[Callable[[], ViewStore]]:
        """Opens further connections to the same store, as other processes would."""
        opened: list[ViewStore] = []

        def another() -> ViewStore:
            opened.append(open_store(url, timeout_ms=10_000))
            return opened[-1]

        yield another
        for handle in opened:
            handle.close()

    @pytest.fixture
    def store(self, connect: Callable[[], ViewStore]) -> ViewStore:
        return connect()

    @pytest.fixture
    def book(self) -> Book:
        return Book(f"free/{next(names)}")

    @pytest.fixture
    def guarded(self) -> Book:
        return Book(f"guarded/{next(names)}", guarded=True)

    @pytest.fixture(params=[False, True], ids=["free", "guarded"])
    def any_book(self, request: pytest.FixtureRequest, store: ViewStore, book: Book, guarded: Book) -> Book:
        """A book of either kind; the guarded one has the record b"r"."""
        store.swap(guarded, None, b"r")
        return guarded if request.param else book

    @staticmethod
    def put(store: ViewStore, book: Book, rows: dict[tuple[str, bytes], bytes]) -> None:
        assert store.put(book, rows, guard=b"r" if book.guarded else None)
