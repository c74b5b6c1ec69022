"""What a process that follows both records answers from until its next look."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

from core.control.boundaries import latest
from schemas.control import Offsets, Position
from serving_layer.memory.catalogue_rows import CatalogueRows
from serving_layer.memory.given import Given
from serving_layer.memory.norms import Norms
from serving_layer.memory.of_generation import Memory
from serving_layer.memory.row_cache import RowCache

NO_ATTEMPT = -1  # of a moment without a position: the generation alone


@dataclass(frozen=True, eq=False)
class Moment:
    """One reading of the control record and of the position, and what is kept in memory of the rows that they name.

    The first six are those of a ``Snapshot``. All answers of a moment see rows of that moment. ``made``: what follows
    from these alone, by name.
    """

    generation: str | None
    boundary: Offsets
    epoch: int
    position: Position | None
    segments: tuple[int, ...]
    degraded: tuple[str, ...]
    rows: RowCache
    catalogue: CatalogueRows
    memory: Memory
    norms: Norms = field(default_factory=Norms)
    given: Given = field(default_factory=Given)
    made: dict[Hashable, object] = field(default_factory=dict)

    @property
    def attempt(self) -> int:
        """The commit that its rows are read at."""
        return NO_ATTEMPT if self.position is None else self.position.attempt

    @cached_property
    def offsets(self) -> Offsets:
        """Return each partition's offset below which every event counts and from which none does."""
        return latest(self.boundary, self.position.offsets if self.position else {})

    def holds(self, offsets: Offsets) -> bool:
        """Return whether every event below those offsets counts."""
        return all(self.offsets.get(partition, 0) >= offset for partition, offset in offsets.items())

    @property
    def era(self) -> tuple[object, ...]:
        """What must stay the same for rows in memory to stay valid."""
        return self.generation, self.epoch, self.position.life if self.position else None, self.position is None
