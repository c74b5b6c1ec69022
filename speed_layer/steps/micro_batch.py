"""What one attempt at a micro-batch is: all that its steps need, decided before the first write, sent to every task."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa

from adapters.log.kafka_log import Topics
from core.settings import StoreUrl
from core.telemetry.delays import Arrivals
from schemas.control import Boundary, Offsets, Position
from schemas.rules import Rules

# What the fold step hands to the write step: changes, and one row without a view that has the numbers of a ``Tally``.
CHANGES = pa.schema(
    [
        ("view", pa.string()),
        ("segment", pa.int64()),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("tally", pa.list_(pa.int64())),  # null costs a change 4 bytes; in a struct of six numbers it would be 48
    ]
)
TALLY = pa.schema([("tally", pa.list_(pa.int64()))])  # what a task returns
TALLY_DDL = "tally array<bigint>"


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
    (None: nobody has a history yet); ``boundaries`` cut the range into segments. ``shown``: records below these offsets
    were in the answers before, by a generation or by an earlier epoch.
    """

    position: Position
    to: Offsets
    boundaries: tuple[Boundary, ...]
    bases: Mapping[int, str | None]
    rules: Rules
    places: Places
    shown: Offsets = field(default_factory=dict)

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

    ``oldest``: the least Kafka timestamp among its records, epoch ms; 0: it had none. ``arrivals``: when the accepted
    events entered the log that no answer held before.
    """

    puts: int = 0
    events: int = 0
    rejected: int = 0
    rows: int = 0
    bytes: int = 0
    oldest: int = 0
    arrivals: Arrivals = ()

    @staticmethod
    def of(numbers: Sequence[int]) -> "Tally":
        """Return the tally of those ``numbers``."""
        puts, events, rejected, rows, size, oldest, *arrivals = numbers
        return Tally(puts, events, rejected, rows, size, oldest, tuple(arrivals))

    @staticmethod
    def total(tallies: Iterable["Tally"]) -> "Tally":
        """Return what all did together."""
        return reduce(Tally.plus, tallies, Tally())

    def plus(self, other: "Tally") -> "Tally":
        return Tally(
            self.puts + other.puts,
            self.events + other.events,
            self.rejected + other.rejected,
            self.rows + other.rows,
            self.bytes + other.bytes,
            min(filter(None, (self.oldest, other.oldest)), default=0),
            self.arrivals + other.arrivals,
        )

    def numbers(self) -> tuple[int, ...]:
        """Return the tally as numbers, arrivals last."""
        return self.puts, self.events, self.rejected, self.rows, self.bytes, self.oldest, *self.arrivals
