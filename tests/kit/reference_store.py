"""The port as its docstrings say it, in a few dictionaries: what every real store is compared with."""

import itertools
from collections.abc import Iterator, Sequence
from zlib import crc32

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters.stores import Book, Rows, ViewStore

SPACES = ["similar", "1/history", "ä %{x}:'\""]
KEYS = [b"", b"a", b"b", b"\x00", b"\xff\xfe", b"{}"]
VALUES = [b"", b"1", b"\x00\xff", b"long" * 500]

a_space = st.sampled_from(SPACES)
some_keys = st.lists(st.sampled_from(KEYS), max_size=6)
some_rows = st.dictionaries(st.tuples(a_space, st.sampled_from(KEYS)), st.sampled_from(VALUES), max_size=8)

_numbers = itertools.count()


class ReferenceStore:
    """One process, one thread, nothing kept: fit for comparing, not for use."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.puts: dict[str, int] = {}
        self.rows: dict[tuple[str, str], dict[bytes, bytes]] = {}

    def record(self, book: Book) -> bytes | None:
        return self.records.get(book.name)

    def swap(self, book: Book, expected: bytes | None, new: bytes, *, writes: int | None = None) -> bool:
        if self.record(book) != expected or writes not in (None, self.puts.get(book.name, 0)):
            return False
        self.records[book.name] = new
        self.puts[book.name] = 0
        return True

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool:
        if guard is not None and self.record(book) != guard:
            return False
        self.puts[book.name] = self.puts.get(book.name, 0) + 1
        for (space, key), value in rows.items():
            self.rows.setdefault((book.name, space), {})[key] = value
        return True

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        held = self.rows.get((book.name, space), {})
        return {key: held[key] for key in keys if key in held}

    def scan(self, book: Book, space: str) -> Iterator[tuple[bytes, bytes]]:
        yield from self.rows.get((book.name, space), {}).items()

    def spaces(self, book: Book) -> set[str]:
        return {space for (name, space), held in self.rows.items() if name == book.name and held}

    def copy(self, source: Book, target: Book, space: str, part: int = 0, parts: int = 1) -> int:
        held = self.rows.get((source.name, space), {})
        lacking = {key: held[key] for key in held.keys() - self.rows.get((target.name, space), {}).keys()}
        mine = {key: value for key, value in lacking.items() if crc32(key) % parts == part}
        self.rows.setdefault((target.name, space), {}).update(mine)
        return len(mine)

    def delete(self, book: Book, space: str, keys: Sequence[bytes] | None = None) -> None:
        held = self.rows.get((book.name, space), {})
        for key in list(held) if keys is None else keys:
            held.pop(key, None)


class Comparison(RuleBasedStateMachine):
    """Makes the same calls, drawn at random, to a real store and to the reference, and compares every answer."""

    def __init__(self, store: ViewStore) -> None:
        super().__init__()
        self.both = (store, ReferenceStore())
        number = next(_numbers)
        self.books = [Book(f"compared/{number}"), Book(f"compared/guarded/{number}", guarded=True)]
        self.free, self.guarded = self.books
        self.copied = Book(f"compared/copied/{number}")
        self.books.append(self.copied)
        self.texts = [b"never a record"]

    @rule(rows=some_rows)
    def put(self, rows: Rows) -> None:
        assert [store.put(self.free, rows) for store in self.both] == [True, True]

    @rule(rows=some_rows, right=st.booleans())
    def put_guarded(self, rows: Rows, right: bool) -> None:
        one, other = (store.put(self.guarded, rows, guard=self.texts[-right]) for store in self.both)
        assert one == other

    @rule(right=st.booleans(), writes=st.sampled_from([None, None, 0, 1, 2]))
    def swap(self, right: bool, writes: int | None) -> None:
        expected = self.both[1].record(self.guarded) if right else self.texts[0]
        self.texts.append(b"text %d" % len(self.texts))
        one, other = (store.swap(self.guarded, expected, self.texts[-1], writes=writes) for store in self.both)
        assert one == other
        if not one:
            self.texts.pop()

    @rule(book=st.integers(0, 2), space=a_space, keys=some_keys)
    def read(self, book: int, space: str, keys: list[bytes]) -> None:
        one, other = (store.read(self.books[book], space, keys) for store in self.both)
        assert one == other

    @rule(book=st.integers(0, 2), space=a_space, keys=st.none() | some_keys)
    def delete(self, book: int, space: str, keys: list[bytes] | None) -> None:
        for store in self.both:
            store.delete(self.books[book], space, keys)

    @rule(space=a_space, parts=st.integers(1, 3))
    def copy(self, space: str, parts: int) -> None:
        one, other = (
            sum(store.copy(self.free, self.copied, space, part, parts) for part in range(parts)) for store in self.both
        )
        assert one == other

    @invariant()
    def records_are_equal(self) -> None:
        one, other = (store.record(self.guarded) for store in self.both)
        assert one == other

    def teardown(self) -> None:
        real, reference = self.both
        for book in self.books:
            assert real.spaces(book) == reference.spaces(book)
            for space in SPACES:
                assert dict(real.scan(book, space)) == dict(reference.scan(book, space))
