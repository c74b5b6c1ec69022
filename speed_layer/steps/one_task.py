"""A small micro-batch: one task runs both steps, and all rows enter the store by one put.

Each put is a transaction of a file, or round trips to a server: for a few dozen events seven of them cost more than the
rows. Neither step reads a row that it wrote, so rows may wait until both have ended. The changes pass from one step to
the other as they are: shuffling them took a quarter of the micro-batch's processor time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from adapters.records.books import SPEED
from adapters.stores.opened import store
from adapters.stores.port import Book, Rows, ViewStore
from speed_layer.steps.fold_step import fold
from speed_layer.steps.micro_batch import MicroBatch, Tally
from speed_layer.steps.rows import put_rows
from speed_layer.steps.write_step import write_folded


def fold_and_write(records: Iterable[pa.RecordBatch], batch: MicroBatch) -> Tally:
    """Apply ``RECORD_COLUMNS``; equal to ``write_sums`` of ``fold_records``, but for the number of puts.

    Raises:
        Displaced: the position record is no longer this attempt's.
    """
    gathered = Gathered(store(batch.places.speed_views, batch.places.store_timeout_ms))
    folded = fold(records, batch, gathered)
    if folded is None:
        return Tally()
    changes, tally = folded
    tally = tally.plus(write_folded(changes, batch, gathered))
    put_rows(gathered.store, batch, gathered.rows)
    return replace(tally, puts=1)


@dataclass
class Gathered:
    """Reads the store, and keeps what should be written to the speed layer's book."""

    store: ViewStore
    rows: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    def read(self, book: Book, space: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return self.store.read(book, space, keys)

    def put(self, book: Book, rows: Rows, *, guard: bytes | None = None) -> bool:
        """Keep the rows; whether the guard still holds is found out when they are written."""
        assert book == SPEED
        self.rows.update(rows)
        return True
