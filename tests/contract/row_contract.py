"""Rows: put, read, scan, spaces and delete, one sentence of the port a test."""

import itertools
from collections.abc import Callable

from adapters.stores import Book, ViewStore
from tests.kit.on_a_store import OnAStore, names, together
from tests.kit.reference_store import SPACES


class RowContract(OnAStore):
    def test_five_thousand_keys_are_read_at_once_repeated_and_absent_ones_as_well(
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

    def testnames_of_books_and_spaces_may_hold_any_sign(self, store: ViewStore) -> None:
        books = [Book(f"{name}{next(names)}") for name in ("generation/1}", "{generation/1", "ä%7D'\";--")]
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
        scanned = list(store.scan(any_book, "s"))
        assert len(scanned) == 3_000
        assert {("s", key): value for key, value in scanned} == rows

    def test_a_scan_during_writes_gives_untouched_rows_once_and_no_row_twice(
        self, store: ViewStore, any_book: Book
    ) -> None:
        kept = [b"%04d" % number for number in range(400)]
        going = [b"going %d" % number for number in range(6_000)]
        self.put(store, any_book, {("s", key): b"v" * 20 for key in [*kept, *going]})
        scan = store.scan(any_book, "s")
        scanned = list(itertools.islice(scan, 1_500))
        store.delete(any_book, "s", going)  # makes a hash table shrink under the scan
        scanned += itertools.islice(scan, 100)
        self.put(store, any_book, {("s", b"new %d" % number): b"new" for number in range(3_000)})  # makes it grow
        scanned += scan
        keys = [key for key, _ in scanned]
        assert len(keys) == len(set(keys))
        assert set(kept) <= set(keys)

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

    def test_a_copy_adds_what_the_target_lacks_and_leaves_what_it_has(self, store: ViewStore, book: Book) -> None:
        rows = {("s", b"%d" % number): b"v%d" % number * 50 for number in range(3_000)} | {
            ("s", b""): b"",
            ("t", b"k"): b"",
        }
        own = {("s", b"%d" % number): b"own" for number in range(2_990, 3_010)}
        other = Book(book.name + "/copy")
        store.put(book, rows)
        store.put(other, own)
        parts = [store.copy(book, other, "s", part, 3) for part in range(3)]
        assert sum(parts) == 2_991
        assert {("s", key): value for key, value in store.scan(other, "s")} == {
            at: value for at, value in rows.items() if at[0] == "s"
        } | own
        assert store.spaces(other) == {"s"}
        assert [store.copy(book, other, "s"), store.copy(book, other, "never was")] == [0, 0]
        assert store.copy(book, other, "t") == 1
        assert store.spaces(other) == {"s", "t"}

    def test_copies_made_at_once_and_beside_a_writer_copy_each_row_once(
        self, connect: Callable[[], ViewStore], book: Book
    ) -> None:
        first, target = connect(), Book(book.name + "/copy")
        rows = {("s", b"%d" % number): b"v" * 300 for number in range(4_000)}
        first.put(book, rows)
        own = {("s", b"own"): b"1", ("s", b"17"): b"own"}
        first.put(target, own)
        stores = [connect(), connect()]
        together(
            *(lambda copier=copier: copier.copy(book, target, "s") for copier in stores), lambda: first.put(target, own)
        )
        assert {("s", key): value for key, value in first.scan(target, "s")} == rows | own

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
