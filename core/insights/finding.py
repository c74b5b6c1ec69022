"""What an insight found: whether the data can tell, one sentence for people, and the rows."""

from dataclasses import dataclass, field
from typing import Any

FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA = "found", "no_difference", "too_little_data"
LEAST_OF = 100  # of exposures, impressions or views: below it a rate is not compared
Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """``more``: what the answer has beside the rows."""

    verdict: str
    says: str
    rows: list[Row]
    more: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        return {"verdict": self.verdict, "says": self.says, "rows": self.rows, **self.more}


def percent(share: float | None) -> str:
    """Return a share as people read it."""
    return "-" if share is None else f"{100 * share:.3g} %"


def times(ratio: float) -> str:
    return f"{ratio:.2g} times"
