"""What is known of each picture: its features, or why it has none. A file of SQLite, in which each batch is whole."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from adapters.pictures.features import Features

FILE = "features.sqlite"
STORED = np.dtype("<f2")  # half precision: 2.5 kB a picture, and neighbours stay the same
TABLE = """create table if not exists pictures (
    item text primary key, path text not null, stamp text not null, network text not null, features blob, why text
) without rowid"""


class Entry(NamedTuple):
    """One picture. ``stamp``: the file's size and time. ``features`` None: ``why`` says why not."""

    item: str
    path: str
    stamp: str
    features: Features | None
    why: str = ""


class Book:
    """The pictures of one home and one network."""

    def __init__(self, connection: sqlite3.Connection, network: str) -> None:
        self._connection, self._network = connection, network

    def stamps(self) -> Mapping[str, tuple[str, str]]:
        """Return path and stamp of each item's picture that this network has seen."""
        rows = self._connection.execute("select item, path, stamp from pictures where network = ?", [self._network])
        return {item: (path, stamp) for item, path, stamp in rows}

    def write(self, entries: Iterable[Entry]) -> None:
        """Keep those pictures, all or none, in place of what was known of their items."""
        rows = [
            (
                entry.item, entry.path, entry.stamp, self._network,
                None if entry.features is None else entry.features.astype(STORED).tobytes(), entry.why,
            )
            for entry in entries
        ]  # fmt: skip
        with self._connection:
            self._connection.executemany("insert or replace into pictures values (?, ?, ?, ?, ?, ?)", rows)

    def drop(self, items: Sequence[str]) -> None:
        """Forget those items' pictures."""
        with self._connection:
            self._connection.executemany("delete from pictures where item = ?", [(item,) for item in items])

    def features(self) -> tuple[list[str], list[str], Features]:
        """Return items, ascending by their UTF-8 bytes, with paths and features of their pictures."""
        rows = self._connection.execute(
            "select item, path, features from pictures where network = ? and features is not null order by item",
            [self._network],
        ).fetchall()
        numbers = [np.frombuffer(blob, STORED) for _, _, blob in rows]
        matrix = np.stack(numbers).astype(np.float32) if numbers else np.zeros((0, 0), np.float32)
        return [item for item, _, _ in rows], [path for _, path, _ in rows], matrix

    def unreadable(self) -> list[tuple[str, str, str]]:
        """Return item, path and reason of each picture without features."""
        query = "select item, path, why from pictures where network = ? and features is null order by item"
        return self._connection.execute(query, [self._network]).fetchall()


@contextmanager
def open_book(folder: Path, network: str) -> Iterator[Book]:
    """Open the book in that folder, made if need be, for one network's features."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / FILE, timeout=30)
    try:
        with connection:
            connection.execute(TABLE)
        yield Book(connection, network)
    finally:
        connection.close()
