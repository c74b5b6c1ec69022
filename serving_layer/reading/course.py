"""What one snapshot learns in the course of its answer, beside what it was taken from."""

from dataclasses import dataclass, field

from serving_layer.reading.row_cache import Row


@dataclass
class Course:
    """``rows``: read from the stores, by view and key; ``lacking``: parts that the answer was computed without."""

    rows: dict[str, dict[bytes, Row]] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
