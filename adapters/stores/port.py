"""The one port to a view store. Its docstrings are the law that every store is tested by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Book:
    """A record and the rows that belong to it.

    ``guarded`` rows are written only by ``put`` with a guard, atomically with the test of the record; a store may
    then keep record and rows together (Cassandra needs one partition for that). The choice belongs to the book's
    name: a name is either always guarded or never.

    ``lasting``: a swap that was confirmed outlives a power cut. A power cut may take the newest writes of another book
    back, in the reverse order of their writing, so that an earlier state of record and rows together is left.
    """

    name: str
    guarded: bool = False
    lasting: bool = True


Rows = Mapping[tuple[str, bytes], bytes]  # (space, key) -> value; a space is dropped as a whole


class ViewStore(Protocol):
    """Holds views. Any method may raise ``StoreUnavailable``; what was asked may then have happened or not."""

    def record(self, book: Book) -> bytes | None:
        """Return the book's record as last swapped in, linearizably; None when there is none."""

    def swap(self, book: Book, expected: bytes | None, new: bytes, *, writes: int | None = None) -> bool:
        """Make ``new`` the record if it still is ``expected`` (None: there is none); else False, and nothing changed.

        With ``writes``: only if exactly that many guarded puts succeeded since the record was last swapped. A store
        that was restored or failed over under a live writer has lost some, and so refuses (contract §5 rule 13).
        Every ``new`` differs from all earlier records of the book, so an unknown outcome is settled by reading again.
        """

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool:
        """Write all rows, replacing those of equal (space, key).

        With ``guard`` (a guarded book, and only then): each row is written atomically with the test that the record
        still is ``guard``; once the test fails nothing further is written and the answer is False. One call counts
        as one guarded put however many requests it takes. Without: always True.
        """

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the values of those keys that exist. Keys may repeat; any number of them."""

    def scan(self, book: Book, space: str) -> Iterator[tuple[bytes, bytes]]:
        """Return every (key, value) of the space, each once, in no promised order, without holding all in memory."""

    def spaces(self, book: Book) -> set[str]:
        """Return the names of the book's spaces that hold at least one row."""

    def delete(self, book: Book, space: str, keys: Sequence[bytes] | None = None) -> None:
        """Delete those rows of the space, or with None all of it; what is not there is no error."""

    def copy(self, source: Book, target: Book, space: str, part: int = 0, parts: int = 1) -> int:
        """Copy the rows of a space of ``source`` that ``target`` lacks; how many. Both books are unguarded.

        Nobody writes to ``source`` meanwhile; what ``target`` has stays as it is, so a copy may be repeated, and be
        made by several at once. ``parts`` tasks share the work by each making the call with a ``part`` of its own,
        counted from 0: together they copy all rows, and a store may leave all of them to the first.
        """

    def check(self) -> None:
        """Raise ``SettingsError`` when the server is reachable but set up so that it could lose or evict rows."""

    def close(self) -> None:
        """Release connections; the store is not used afterwards."""
