"""Whom an export is about: the users that are named, or everybody, each once, in the order of their ids' bytes."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from adapters.records.books import CATALOGUE, SPEED, generation_book, state_space
from adapters.records.catalogue import USERS
from adapters.records.control import read_control, read_position
from adapters.stores.port import ViewStore
from core.control.changes import is_of
from core.events.fields import identifier
from core.rows.catalogue_rows import DELETED
from core.rows.views import HISTORY
from schemas.control import Control
from schemas.errors import BadInput, MillraceError, NotReady

USERS_PER_INSERT = 10_000
MOST_READINGS = 5


@dataclass(frozen=True)
class Chosen:
    """Users to go through, some at a time, and their number."""

    users: Iterable[bytes]
    count: int

    def pages(self, size: int) -> Iterator[list[bytes]]:
        """Yield the users, up to ``size`` together."""
        users = iter(self.users)
        while page := list(islice(users, size)):
            yield page


def named_users(names: Sequence[bytes], file: BinaryIO | None) -> Chosen | None:
    """Return the users named by options or by the lines of a file, each once; None where nobody is named.

    Raises:
        BadInput: a line is no id, or the file has none.
    """
    if file is None and not names:
        return None
    users = dict.fromkeys([*names, *(_ids_in(file) if file else ())])
    if not users:
        raise BadInput("the file of --users has no line: write one user id per line")
    return Chosen(list(users), len(users))


def _ids_in(file: BinaryIO) -> Iterator[bytes]:
    for number, line in enumerate(file, 1):
        name = line.removesuffix(b"\n").removesuffix(b"\r")
        if number == 1:
            name = name.removeprefix(b"\xef\xbb\xbf")
        if not name:
            continue
        try:
            known = identifier(name.decode())
        except UnicodeDecodeError:
            known = None
        if known is None:
            raise BadInput(f"line {number} of --users is no id: 1 to 256 characters of UTF-8, no control characters")
        yield name


@contextmanager
def everybody(batch: ViewStore, speed: ViewStore, beside: Path, with_records: bool) -> Iterator[Chosen]:
    """Provide all users with an accepted event, in the generation or since.

    They are listed in a scratch file next to ``beside``, on the disk that has room for the export, so that memory stays
    level and users whom a swap moves from one view to the other meanwhile come once.

    Args: with_records: also users of whom only a catalogue record is known.
    Raises: NotReady: nothing is published yet.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".users-", dir=beside.parent))
        users = stack.enter_context(closing(sqlite3.connect(Path(folder) / "users.sqlite", isolation_level=None)))
        for pragma in ("journal_mode", "synchronous"):  # the file does not outlive the process
            users.execute(f"PRAGMA {pragma} = OFF")
        users.execute("CREATE TABLE users (id BLOB PRIMARY KEY) WITHOUT ROWID")
        _list_all(users, batch, speed)
        if with_records:
            rows = speed.scan(CATALOGUE, USERS)
            _insert(users, (user for user, row in rows if row != DELETED))
        (count,) = users.execute("SELECT count(*) FROM users").fetchone()
        yield Chosen((user for (user,) in users.execute("SELECT id FROM users ORDER BY id")), count)


def _list_all(users: sqlite3.Connection, batch: ViewStore, speed: ViewStore) -> None:
    """List the users of both views; again if meanwhile a swap or a clean-up may have hidden some."""
    for _ in range(MOST_READINGS):
        control = read_control(batch)
        if control is None:
            raise NotReady("there is nothing to export yet: run `millrace up` or `millrace batch run` first")
        if control.active is not None:
            _insert(users, (user for user, _ in batch.scan(generation_book(control.active), HISTORY)))
        position = read_position(speed)
        if position is not None and is_of(position, control):
            _insert(users, (user for user, _ in speed.scan(SPEED, state_space(position.epoch, HISTORY))))
        now = read_control(batch)
        if now is not None and _state(now) == _state(control):
            return
    raise MillraceError("generations are swapped faster than their users can be listed: export at a quieter time")


def _state(control: Control) -> tuple[object, ...]:
    return control.active, control.epoch, control.life, control.floor


def _insert(users: sqlite3.Connection, ids: Iterator[bytes]) -> None:
    while page := list(islice(ids, USERS_PER_INSERT)):
        users.execute("BEGIN")
        users.executemany("INSERT OR IGNORE INTO users VALUES (?)", ((user,) for user in page))
        users.execute("COMMIT")
