"""The control record and the position: the two small documents that make the merge exact (contract §5).

Both are kept as JSON (``schemas.records``) and changed only by compare-and-set on the whole text. ``version`` and
``writer`` make every text different from all earlier ones, so that reading again settles a compare-and-set whose
outcome is unknown.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from schemas.metrics import Measured, measured
from schemas.records import from_json, to_json

Offsets = dict[int, int]  # partition -> offset; a range end is exclusive


@dataclass(frozen=True)
class LogIdentity:
    """What identifies the log; fixed at first use. A difference stops both layers."""

    cluster_id: str
    topic_id: str
    partitions: int


@dataclass(frozen=True)
class Boundary:
    """The offset per partition where a generation ends; ``id`` counts recorded boundaries, 0 is the log's start.

    The id also names the segment that starts here.
    """

    id: int
    offsets: Offsets


@dataclass(frozen=True)
class Generation:
    """One published run of the batch layer; its views are the book ``generation/<id>`` of the batch-view store."""

    id: str
    boundary: Boundary
    fingerprint: str
    published_at: int  # epoch ms
    reason: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    forgotten: int = 0  # number of marks of the topic ``forgotten`` that are in effect in it

    @property
    def measured(self) -> Measured:
        """The metrics that several rooms read, with their types."""
        return measured(self.metrics)


@dataclass(frozen=True)
class Run:
    """An unfinished generation; its id is that of the generation it becomes.

    ``done`` lists the finished steps. ``metrics`` holds their results, which become the generation's. ``owner`` names
    the process that makes all steps itself; it is empty for a run whose steps are separate processes.
    """

    id: str
    boundary: Boundary
    fingerprint: str
    begun_at: int  # epoch ms
    moved_at: int  # epoch ms when its last step ended
    reason: str = ""
    full: bool = False  # recomputes everything
    scheduled: bool = False  # does not activate while a rollback holds
    owner: str = ""
    done: tuple[str, ...] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    forgotten: int = 0  # as in ``Generation``

    @property
    def measured(self) -> Measured:
        """The metrics that several rooms read, with their types."""
        return measured(self.metrics)


@dataclass(frozen=True)
class Control:
    """The control record, one for each installation, in the batch-view store."""

    version: int
    writer: str
    log: LogIdentity
    fingerprint: str  # of the epoch; a generation carries its own
    boundaries: tuple[Boundary, ...]  # recorded ones, ids ascending; the first is the oldest still needed
    planned: Offsets  # the speed layer may have read this far
    epoch: int
    epoch_start: Boundary
    floor: Offsets  # nothing below is kept
    active: str | None = None  # None: the empty generation, whose boundary is the log's start
    predecessor: str | None = None
    generations: tuple[Generation, ...] = ()  # kept ones, oldest first
    dropping: tuple[str, ...] = ()  # generations that are no longer kept; deleted after the grace period
    dropped_at: int = 0  # epoch ms when they left and the floor rose
    held: bool = False  # a rollback holds: scheduled runs publish without activating
    life: str = ""  # differs after the record was lost and created again
    runs: tuple[Run, ...] = ()  # unfinished generations, oldest first
    abandoned: tuple[str, ...] = ()  # runs that were given up and whose rows are not deleted yet
    forgotten: int = 0  # marks in effect in the active generation and in its epoch; never fewer than before
    refused: int = 0  # consecutive generations that the gate kept from serving, up to the newest one

    def to_json(self) -> bytes:
        return to_json(self)

    @staticmethod
    @lru_cache(2)  # a micro-batch reads the same text twice; nobody changes a record in place
    def from_json(text: bytes) -> "Control":
        return from_json(Control, text)

    def generation(self, name: str | None) -> Generation | None:
        """Return the kept generation of that id; None for the empty generation and for a deleted one."""
        return next((generation for generation in self.generations if generation.id == name), None)

    @property
    def active_boundary(self) -> Boundary:
        """Where the active generation ends; segments from here on are added to it."""
        generation = self.generation(self.active)
        return generation.boundary if generation else self.boundaries[0]

    @property
    def active_segments(self) -> list[int]:
        """Ids of the segments that are added to the active generation, oldest first."""
        return [boundary.id for boundary in self.boundaries if boundary.id >= self.active_boundary.id]


@dataclass(frozen=True)
class Position:
    """The speed store's own record of what it has committed; every guarded write tests that it is unchanged.

    ``attempt`` is the last committed attempt and ``registered`` the last one begun. ``aborted`` lists those between
    that never committed: values tagged with them count as absent. ``life`` changes with each take-over. Within one
    life the position only moves forward, because a process whose store was set back takes over again.
    """

    version: int
    writer: str
    owner: str  # the process that may write; empty after a clean stop
    epoch: int
    offsets: Offsets
    attempt: int = 0
    registered: int = 0
    aborted: tuple[int, ...] = ()
    life: str = ""
    control: str = ""  # the life of the control record under which its epoch began
    log: LogIdentity | None = None  # whose events the speed store holds; None: an earlier version wrote this
    earlier: Offsets = field(default_factory=dict)  # where earlier epochs ended: answers held what lies below
    text: bytes = field(default=b"", compare=False, repr=False)  # as read from the store or swapped in

    def to_json(self) -> bytes:
        return to_json(self, without="text")

    @staticmethod
    def from_json(text: bytes) -> "Position":
        return replace(from_json(Position, text), text=text)

    @property
    def stored(self) -> bytes:
        """The bytes in the store, which a compare-and-set must expect.

        Encoding the fields again may give other bytes: a record of an earlier version lacks some of them.
        """
        return self.text or self.to_json()

    def committed(self, tag: int) -> bool:
        """Return whether a change with that attempt number counts (rule 4)."""
        return tag <= self.attempt and tag not in self.aborted
