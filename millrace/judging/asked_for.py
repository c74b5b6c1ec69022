"""What the options of ``evaluate`` say."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Asking:
    """``every``, ``late``: milliseconds, of a walk; ``regimes``: empty means all; ``most``: events asked about.

    ``items``: a file of catalogue records.
    """

    protocol: str = "time"
    seen: str = "excluded"
    every_source: bool = False
    regimes: tuple[str, ...] = ()
    every: int | None = None
    late: int | None = None
    most: int = 10_000
    items: Path | None = None
