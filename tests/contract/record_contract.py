"""Records, swaps and guarded puts: what makes the merge exact, one sentence of the port a test."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.stores import Book, ViewStore
from tests.kit.on_a_store import OnAStore, together


class RecordContract(OnAStore):
    # Records

    def test_a_book_has_no_record_at_first(self, store: ViewStore, book: Book) -> None:
        assert store.record(book) is None

    def test_a_record_is_read_as_it_was_last_swapped_in(self, store: ViewStore, book: Book) -> None:
        assert store.swap(book, None, b"\x00first\xff")
        assert store.record(book) == b"\x00first\xff"
        assert store.swap(book, b"\x00first\xff", b"second" * 10_000)
        assert store.record(book) == b"second" * 10_000

    def test_a_swap_that_lost_the_race_changes_nothing(self, store: ViewStore, book: Book) -> None:
        store.swap(book, None, b"winner")
        assert not store.swap(book, None, b"too late")
        assert not store.swap(book, b"never was", b"wrong")
        assert store.record(book) == b"winner"

    def test_a_swap_expecting_a_record_does_not_make_the_first(self, store: ViewStore, book: Book) -> None:
        assert not store.swap(book, b"something", b"new")
        assert store.record(book) is None

    @pytest.mark.parametrize("shared", [True, False], ids=["of one store", "of separate connections"])
    def test_of_concurrent_swappers_exactly_one_wins(
        self, connect: Callable[[], ViewStore], book: Book, shared: bool
    ) -> None:
        stores = [connect()] * 6 if shared else [connect() for _ in range(6)]
        record = None
        for turn in range(3):
            texts = [f"{turn} by {number}".encode() for number in range(len(stores))]
            calls = [
                lambda store=store, text=text, record=record: store.swap(book, record, text)
                for store, text in zip(stores, texts, strict=True)
            ]
            won = together(*calls)
            assert won.count(True) == 1
            record = stores[0].record(book)
            assert record == texts[won.index(True)]

    def test_records_of_books_are_separate(self, store: ViewStore, book: Book, guarded: Book) -> None:
        store.swap(book, None, b"one")
        assert store.record(guarded) is None
        store.swap(guarded, None, b"other")
        assert (store.record(book), store.record(guarded)) == (b"one", b"other")

    # Guarded puts, and swaps that count them

    def test_a_guarded_put_needs_the_record_to_be_the_guard(self, store: ViewStore, guarded: Book) -> None:
        assert not store.put(guarded, {("s", b"k"): b"no record"}, guard=b"r1")
        store.swap(guarded, None, b"r1")
        assert store.put(guarded, {("s", b"k"): b"kept"}, guard=b"r1")
        assert not store.put(guarded, {("s", b"k"): b"wrong", ("s", b"other"): b"wrong"}, guard=b"r0")
        assert dict(store.scan(guarded, "s")) == {b"k": b"kept"}

    def test_a_put_of_no_rows_tests_its_guard_and_counts(self, store: ViewStore, guarded: Book) -> None:
        assert not store.put(guarded, {}, guard=b"r1")
        store.swap(guarded, None, b"r1")
        assert store.put(guarded, {}, guard=b"r1")
        assert store.swap(guarded, b"r1", b"r2", writes=1)

    def test_a_swap_with_writes_needs_exactly_that_many_puts(self, store: ViewStore, guarded: Book) -> None:
        store.swap(guarded, None, b"r1")
        for number in range(3):
            store.put(guarded, {("s", b"%d" % number): b""}, guard=b"r1")
        store.put(guarded, {("s", b"refused"): b""}, guard=b"r0")
        for wrong in (0, 2, 4):
            assert not store.swap(guarded, b"r1", b"r2", writes=wrong)
        assert store.record(guarded) == b"r1"
        assert store.swap(guarded, b"r1", b"r2", writes=3)

    def test_a_swap_with_writes_needs_the_expected_record_as_well(self, store: ViewStore, guarded: Book) -> None:
        store.swap(guarded, None, b"r1")
        assert not store.swap(guarded, b"r0", b"r2", writes=0)
        assert not store.swap(guarded, None, b"r2", writes=0)
        assert store.record(guarded) == b"r1"

    @pytest.mark.parametrize("writes", [None, 1])
    def test_every_swap_starts_the_count_again(self, store: ViewStore, guarded: Book, writes: int | None) -> None:
        store.swap(guarded, None, b"r1", writes=0)
        store.put(guarded, {("s", b"k"): b"1"}, guard=b"r1")
        assert store.swap(guarded, b"r1", b"r2", writes=writes)
        assert store.swap(guarded, b"r2", b"r3", writes=0)

    def test_a_lost_swap_leaves_the_count(self, store: ViewStore, guarded: Book) -> None:
        store.swap(guarded, None, b"r1")
        store.put(guarded, {("s", b"k"): b"1"}, guard=b"r1")
        assert not store.swap(guarded, b"r0", b"r2")
        assert store.swap(guarded, b"r1", b"r2", writes=1)

    def test_a_put_of_many_requests_counts_once(self, store: ViewStore, guarded: Book) -> None:
        rows = {(f"s{number % 3}", b"%d" % number): bytes([number % 256]) * 20_000 for number in range(700)}
        store.swap(guarded, None, b"r1")
        assert store.put(guarded, rows, guard=b"r1")
        assert store.spaces(guarded) == {"s0", "s1", "s2"}
        assert {(s, key): value for s in ("s0", "s1", "s2") for key, value in store.scan(guarded, s)} == rows
        assert store.swap(guarded, b"r1", b"r2", writes=1)

    def test_puts_of_concurrent_writers_are_all_counted(self, connect: Callable[[], ViewStore], guarded: Book) -> None:
        stores = [connect() for _ in range(3)]
        stores[0].swap(guarded, None, b"r1")

        def write(number: int) -> bool:
            rows = [{("s", b"%d of %d" % (turn, number)): b"x" * 1000} for turn in range(5)]
            return all(stores[number].put(guarded, row, guard=b"r1") for row in rows)

        assert together(*(lambda number=number: write(number) for number in range(3))) == [True] * 3
        assert len(dict(stores[0].scan(guarded, "s"))) == 15
        assert stores[0].swap(guarded, b"r1", b"r2", writes=15)

    def test_after_a_swap_nothing_more_is_written_under_the_old_guard(
        self, connect: Callable[[], ViewStore], guarded: Book
    ) -> None:
        writer, other = connect(), connect()
        other.swap(guarded, None, b"r1")
        keys = [b"%d" % number for number in range(300)]
        under_way = threading.Event()

        def write() -> list[bool]:
            answers = []
            for turn in range(200):
                value = b"%d" % turn + b"x" * 5000
                answers.append(writer.put(guarded, {("s", key): value for key in keys}, guard=b"r1"))
                under_way.set()
                if not answers[-1]:
                    break
            return answers

        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(write)
            assert under_way.wait(120)
            assert other.swap(guarded, b"r1", b"r2")
            at_the_swap = other.read(guarded, "s", keys)
            answers = writing.result()
        assert answers[0]
        assert not answers[-1]
        assert other.read(guarded, "s", keys) == at_the_swap

    def test_a_put_must_be_guarded_where_the_book_is_and_only_there(
        self, store: ViewStore, book: Book, guarded: Book
    ) -> None:
        with pytest.raises(ValueError, match="guarded"):
            store.put(guarded, {("s", b"k"): b""})
        with pytest.raises(ValueError, match="guarded"):
            store.put(book, {("s", b"k"): b""}, guard=b"r1")
        assert store.spaces(guarded) == store.spaces(book) == set()
