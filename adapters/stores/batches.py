"""What the stores share: cutting a call into requests of a bounded size, and the rule about guards."""

from collections.abc import Iterator, Sequence

from adapters.stores.port import Book, Rows

Row = tuple[str, bytes, bytes]  # space, key, value


def batches(rows: Rows, most_bytes: int, most_rows: int) -> Iterator[tuple[list[Row], bool]]:
    """Yield the rows in lists limited in bytes (one row may be larger) and rows, each with whether it is the last.

    There is always a last one, so that a put of no rows still tests its guard and counts.
    """
    batch: list[Row] = []
    size = 0
    for (space, key), value in rows.items():
        added = len(key) + len(value)
        if batch and (size + added > most_bytes or len(batch) == most_rows):
            yield batch, False
            batch, size = [], 0
        batch.append((space, key, value))
        size += added
    yield batch, True


def slices(keys: Sequence[bytes], length: int) -> Iterator[Sequence[bytes]]:
    """Yield the distinct keys, at most ``length`` at a time."""
    distinct = list(dict.fromkeys(keys))
    return (distinct[at : at + length] for at in range(0, len(distinct), length))


def require_guard(book: Book, guard: bytes | None) -> None:
    """Raise ValueError for a guarded put without a guard, or the reverse: that is a defect of the caller."""
    if book.guarded != (guard is not None):
        raise ValueError(f"book {book.name!r} is {'' if book.guarded else 'not '}guarded: put with a guard accordingly")
