"""The merged views as a whole, row by row, for ``verify``; a lookup reads by key (``reading.snapshot``)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from adapters.records.books import SPEED, generation_book, segment_spaces, state_space
from adapters.stores.port import ViewStore
from core.rows.merging import committed_parts
from core.rows.tagged import NewerBase
from core.rows.views import HISTORY
from schemas.control import Control, Position
from schemas.errors import MillraceError


class Moved(MillraceError):
    """The views moved on while they were compared."""


class MergedRows:
    """Every row of the active generation and of the segments given, merged, as a position committed them.

    The generation streams; of the segments all of one view is held in memory, packed.
    """

    def __init__(
        self, batch: ViewStore, speed: ViewStore, control: Control, position: Position | None, segments: Iterable[int]
    ):
        self._batch, self._speed, self.control, self.position = batch, speed, control, position
        self._segments = list(segments)

    def rows(self, view: str) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield each key of the view with its packed parts, earlier first.

        Raises:
            Moved: the speed layer wrote rows that the position does not show.
        """
        changes: dict[bytes, list[bytes]] = defaultdict(list)
        for segment in self._segments if self.position else ():
            assert self.position is not None
            for space in segment_spaces(self.position.epoch, view, segment):
                for key, stored in self._speed.scan(SPEED, space):
                    changes[key] += _parts(stored, self.position, key)
        for key, value in self.of_generation(view):
            yield key, [value, *changes.pop(key, ())]
        yield from ((key, parts) for key, parts in changes.items() if parts)

    def of_generation(self, view: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield the active generation's rows."""
        if self.control.active is not None:
            yield from self._batch.scan(generation_book(self.control.active), view)

    def histories(
        self, position: Position, users: Sequence[bytes] | None = None
    ) -> Iterator[tuple[bytes, list[bytes] | None]]:
        """Yield the packed histories of this epoch, of all users or of some, as that position committed them.

        None: the position no longer shows it, as the row was written twice since.
        """
        space = state_space(position.epoch, HISTORY)
        rows = self._speed.scan(SPEED, space) if users is None else self._speed.read(SPEED, space, users).items()
        for user, stored in rows:
            try:
                yield user, committed_parts(stored, position)
            except NewerBase:
                yield user, None

    def histories_of_generation(self, users: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return those that the active generation has."""
        if self.control.active is None:
            return {}
        return self._batch.read(generation_book(self.control.active), HISTORY, users)


def _parts(stored: bytes, position: Position, key: bytes) -> list[bytes]:
    try:
        return committed_parts(stored, position)
    except NewerBase:
        raise Moved(f"the speed layer changed row {key!r} meanwhile") from None
