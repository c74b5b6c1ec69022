"""What one snapshot learns in the course of its answer, beside what it was taken from."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from serving_layer.memory.row import Row


@dataclass
class Course:
    """``rows``: read from the stores, by view and key; ``lacking``: parts that the answer was computed without.
    ``lacked``: what memory did not hold, the last of it.

    ``made``: what follows from rows that were read, by name. Other answers get it once this one is confirmed, when
    ``confirmed`` is called: until then the rows may be those of a position that was set back.
    """

    rows: dict[str, dict[bytes, Row]] = field(default_factory=dict)
    made: dict[Hashable, object] = field(default_factory=dict)
    confirmed: list[Callable[[], None]] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    lacked: str = ""
