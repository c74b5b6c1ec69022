"""What every view store must do: the port's docstrings, one sentence a test, run unchanged on each real store."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from adapters.stores import Book, ViewStore, open_store
from tests.contract.reference import SPACES, Comparison

_names = itertools.count()  # of books


def together(*calls: Callable[[], Any]) -> list[Any]:
    """The calls' results, each made in a thread of its own at about the same moment."""
    barrier = threading.Barrier(len(calls))

    def after_all_are_there(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(after_all_are_there, calls))


class ViewStoreContract:
    """A subclass supplies ``url``; books have new names, so that tests may share one store."""

    @pytest.fixture
    def connect(self, url: str) -> Iterator[Callable[[], ViewStore]]:
        """Opens further connections to the same store, as other processes would."""
        opened: list[ViewStore] = []

        def another() -> ViewStore:
            opened.append(open_store(url, timeout_ms=10_000))
            return opened[-1]

        yield another
        for each in opened:
            each.close()

    @pytest.fixture
    def store(self, connect: Callable[[], ViewStore]) -> ViewStore:
        return connect()

    @pytest.fixture
    def book(self) -> Book:
        return Book(f"free/{next(_names)}")

    @pytest.fixture
    def guarded(self) -> Book:
        return Book(f"guarded/{next(_names)}", guarded=True)

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

    def test_a_swap_with_writes_needs_the_expected_record_too(self, store: ViewStore, guarded: Book) -> None:
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
            return all(stores[number].put(guarded, each, guard=b"r1") for each in rows)

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
            assert under_way.wait(30)
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

    # Rows

    @pytest.fixture(params=[False, True], ids=["free", "guarded"])
    def any_book(self, request: pytest.FixtureRequest, store: ViewStore, book: Book, guarded: Book) -> Book:
        """A book of either kind; the guarded one has the record b"r"."""
        store.swap(guarded, None, b"r")
        return guarded if request.param else book

    @staticmethod
    def put(store: ViewStore, book: Book, rows: dict[tuple[str, bytes], bytes]) -> None:
        assert store.put(book, rows, guard=b"r" if book.guarded else None)

    def test_five_thousand_keys_are_read_at_once_repeated_and_absent_ones_too(
        self, store: ViewStore, any_book: Book
    ) -> None:
        rows = {("s", b"key %d" % number): b"value %d" % number for number in range(5_000)}
        self.put(store, any_book, rows)
        asked = [key for _, key in rows] + [b"key 7"] * 50 + [b"absent %d" % number for number in range(500)]
        assert store.read(any_book, "s", asked) == {key: value for (_, key), value in rows.items()}

    def test_reading_no_keys_gives_nothing(self, store: ViewStore, any_book: Book) -> None:
        self.put(store, any_book, {("s", b"k"): b"v"})
        assert store.read(any_book, "s", []) == {}
        assert store.read(any_book, "no such space", [b"k"]) == {}

    def test_keys_and_values_are_any_bytes(self, store: ViewStore, any_book: Book) -> None:
        keys = [b"", b"\x00", b"\x00\x00", b"\xff", b"\xff\xfe/%{}", bytes(range(256))]
        rows = {("s", key): value for key, value in zip(keys, [b"\x00", b"", *[bytes(range(256))] * 4], strict=True)}
        self.put(store, any_book, rows)
        held = {key: value for (_, key), value in rows.items()}
        assert store.read(any_book, "s", keys) == held
        assert dict(store.scan(any_book, "s")) == held

    def test_a_value_may_have_300_kilobytes(self, store: ViewStore, any_book: Book) -> None:
        rows = {("s", b"%d" % number): bytes([number]) * 300_000 for number in range(5)}
        self.put(store, any_book, rows)
        assert {("s", key): value for key, value in store.scan(any_book, "s")} == rows

    def test_a_put_replaces_rows_of_equal_space_and_key(self, store: ViewStore, any_book: Book) -> None:
        self.put(store, any_book, {("s", b"k"): b"old" * 100, ("t", b"k"): b"other space"})
        self.put(store, any_book, {("s", b"k"): b"new", ("s", b"l"): b"added"})
        assert dict(store.scan(any_book, "s")) == {b"k": b"new", b"l": b"added"}
        assert dict(store.scan(any_book, "t")) == {b"k": b"other space"}

    def test_names_of_books_and_spaces_may_hold_any_sign(self, store: ViewStore) -> None:
        books = [Book(f"{name}{next(_names)}") for name in ("generation/1}", "{generation/1", "ä%7D'\";--")]
        for book, space in itertools.product(books, SPACES):
            store.put(book, {(space, b"k"): (book.name + space).encode()})
        for book, space in itertools.product(books, SPACES):
            assert store.read(book, space, [b"k"]) == {b"k": (book.name + space).encode()}
        assert all(store.spaces(book) == set(SPACES) for book in books)

    def test_rows_of_books_are_separate(self, store: ViewStore, book: Book) -> None:
        other = Book(book.name + "1")
        store.put(book, {("s", b"k"): b"mine"})
        assert store.read(other, "s", [b"k"]) == {}
        store.put(other, {("s", b"k"): b"yours", ("t", b"k"): b""})
        store.delete(other, "s")
        assert dict(store.scan(book, "s")) == {b"k": b"mine"}
        assert (store.spaces(book), store.spaces(other)) == ({"s"}, {"t"})

    def test_a_scan_gives_every_row_once(self, store: ViewStore, any_book: Book) -> None:
        rows = {("s", b"%d" % number): b"v%d" % number for number in range(3_000)}
        self.put(store, any_book, rows)
        found = list(store.scan(any_book, "s"))
        assert len(found) == 3_000
        assert {("s", key): value for key, value in found} == rows

    def test_a_scan_during_writes_gives_untouched_rows_once_and_no_row_twice(
        self, store: ViewStore, any_book: Book
    ) -> None:
        before = {("s", b"%04d" % number): b"old" * 50 for number in range(2_000)}
        self.put(store, any_book, before)
        scan = store.scan(any_book, "s")
        found = list(itertools.islice(scan, 10))
        # Many new rows make a hash table grow under the scan, many deletions shrink it.
        self.put(store, any_book, {("s", b"new %d" % number): b"new" for number in range(6_000)})
        found += itertools.islice(scan, 300)
        store.delete(any_book, "s", [b"new %d" % number for number in range(6_000)])
        found += scan
        keys = [key for key, _ in found]
        assert len(keys) == len(set(keys))
        assert {key for key in keys if not key.startswith(b"new")} == {key for _, key in before}

    def test_deleted_keys_are_gone_and_absent_ones_no_error(self, store: ViewStore, any_book: Book) -> None:
        self.put(store, any_book, {("s", b"%d" % number): b"" for number in range(1_500)})
        store.delete(any_book, "s", [b"%d" % number for number in range(1_499)] + [b"absent", b"1", b"1"])
        assert dict(store.scan(any_book, "s")) == {b"1499": b""}
        store.delete(any_book, "s", [])
        assert store.read(any_book, "s", [b"1499"]) == {b"1499": b""}

    def test_a_space_is_deleted_as_a_whole(self, store: ViewStore, any_book: Book) -> None:
        rows = {(space, b"%d" % number): b"x" * 50 for number in range(2_500) for space in ("s", "t")}
        self.put(store, any_book, rows)
        store.delete(any_book, "s")
        assert list(store.scan(any_book, "s")) == []
        assert len(list(store.scan(any_book, "t"))) == 2_500
        store.delete(any_book, "never was")
        self.put(store, any_book, {("s", b"again"): b"v"})
        assert dict(store.scan(any_book, "s")) == {b"again": b"v"}

    def test_spaces_are_those_that_hold_a_row(self, store: ViewStore, any_book: Book) -> None:
        assert store.spaces(any_book) == set()
        self.put(store, any_book, {(space, b"k"): b"" for space in (*SPACES, "emptied", "dropped")})
        store.delete(any_book, "emptied", [b"k"])
        store.delete(any_book, "dropped")
        assert store.spaces(any_book) == set(SPACES)

    def test_deleting_rows_leaves_the_record_and_the_count(self, store: ViewStore, guarded: Book) -> None:
        store.swap(guarded, None, b"r")
        self.put(store, guarded, {("s", b"k"): b"v"})
        store.delete(guarded, "s")
        assert store.record(guarded) == b"r"
        assert store.swap(guarded, b"r", b"r2", writes=1)

    # Connections

    def test_two_connections_see_each_others_writes(self, connect: Callable[[], ViewStore], any_book: Book) -> None:
        one, other = connect(), connect()
        for turn, (writer, reader) in enumerate([(one, other), (other, one)] * 3):
            self.put(writer, any_book, {("s", b"k"): b"%d" % turn})
            assert reader.read(any_book, "s", [b"k"]) == {b"k": b"%d" % turn}
            assert writer.swap(any_book, writer.record(any_book), b"r%d" % turn)
            assert reader.record(any_book) == b"r%d" % turn
            assert writer.swap(any_book, b"r%d" % turn, b"r")

    def test_what_was_written_survives_closing_and_reopening(
        self, connect: Callable[[], ViewStore], guarded: Book
    ) -> None:
        first = connect()
        first.swap(guarded, None, b"r1")
        first.put(guarded, {("s", b"k"): b"v"}, guard=b"r1")
        first.close()
        again = connect()
        assert again.record(guarded) == b"r1"
        assert dict(again.scan(guarded, "s")) == {b"k": b"v"}
        assert again.swap(guarded, b"r1", b"r2", writes=1)

    def test_many_threads_may_share_one_store(self, store: ViewStore, book: Book) -> None:
        def write_and_read(number: int) -> None:
            for turn in range(10):
                rows = {("s", b"%d %d %d" % (number, turn, each)): b"x" * 100 for each in range(20)}
                store.put(book, rows)
                assert len(store.read(book, "s", [key for _, key in rows])) == 20

        together(*(lambda number=number: write_and_read(number) for number in range(6)))
        assert len(list(store.scan(book, "s"))) == 1_200

    def test_a_well_set_up_store_passes_its_check(self, store: ViewStore) -> None:
        store.check()

    # Against the reference

    def test_any_sequence_of_calls_is_answered_as_by_the_reference(self, store: ViewStore) -> None:
        few = settings(max_examples=15, stateful_step_count=30, deadline=None, database=None)
        run_state_machine_as_test(lambda: Comparison(store), settings=few)
