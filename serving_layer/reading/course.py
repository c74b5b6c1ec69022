"""What one snapshot learns in the course of its answer, beside what it was taken from."""

from dataclasses import dataclass, field

from core.rows.codec import Facts


@dataclass
class Course:
    """``facts``: of the whole log, once they are read; ``lacking``: parts that the answer was computed without."""

    facts: Facts | None = None
    lacking: list[str] = field(default_factory=list)
