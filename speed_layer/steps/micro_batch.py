"""What one attempt at a micro-batch is: all that its steps need, decided before the first write, sent to every task."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa

from adapters.log.kafka_log import Topics
from core.settings import StoreUrl
from schemas.control import Boundary, Offsets, Position
from schemas.rules import Rules

# What the fold step hands to the write step: changes, and one row without a view that has the columns of a ``Tally``.
CHANGES = pa.schema(
    [
        ("view", pa.string()),
        ("segment", pa.int64()),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("tally", pa.list_(pa.int64())),  # null costs a change 4 bytes; in a struct of six numbers it would be 48
    ]
)
TALLY_DDL = "puts bigint, events bigint, rejected bigint, rows bigint, bytes bigint, oldest bigint"


@dataclass(frozen=True)
class Places:
    """Addresses that tasks open for themselves."""

    batch_views: StoreUrl
    speed_views: StoreUrl
    bootstrap: str
    topics: Topics
    kafka_options: Mapping[str, str] = field(repr=False)
    store_timeout_ms: int


@dataclass(frozen=True)
class MicroBatch:
    """One attempt: the range from the committed position up to ``to``, folded under ``position``'s registered attempt.

    ``bases`` names for each partition the generation whose histories hold for users without state in this epoch
    (None: nobody has a history yet); ``boundaries`` cut the range into segments.
    """

    position: Position
    to: Offsets
    boundaries: tuple[Boundary, ...]
    bases: Mapping[int, str | None]
    rules: Rules
    places: Places

    @property
    def records(self) -> int:
        """How many offsets the range has; some may hold no record."""
        return sum(end - self.position.offsets[p] for p, end in self.to.items())

    @property
    def guard(self) -> bytes:
        """The position record that every write of this attempt requires to be unchanged."""
        return self.position.stored


@dataclass(frozen=True)
class Tally:
    """What a task did; ``puts`` is compared by the commit.

    ``oldest``: the least Kafka timestamp among its records, epoch ms; 0: it had none.
    """

    puts: int = 0
    events: int = 0
    rejected: int = 0
    rows: int = 0
    bytes: int = 0
    oldest: int = 0

    @staticmethod
    def total(tallies: Iterable["Tally"]) -> "Tally":
        """Return what all did together."""
        return reduce(Tally.plus, tallies, Tally())

    def plus(self, other: "Tally") -> "Tally":
        *sums, oldest = zip(self.columns(), other.columns(), strict=True)
        return Tally(*[*map(sum, sums), min(filter(None, oldest), default=0)])

    def columns(self) -> tuple[int, ...]:
        return self.puts, self.events, self.rejected, self.rows, self.bytes, self.oldest
