"""Numbers, times and names as the report writes them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

NONE = "–"
LONGEST = 60  # characters of a name; longer ones end in …
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Clock:
    """Writes moments in one time zone."""

    zone: ZoneInfo
    name: str

    def minute(self, ms: int | None) -> str:
        """Return date and time to the minute."""
        return NONE if ms is None else datetime.fromtimestamp(ms / 1000, self.zone).strftime("%Y-%m-%d %H:%M")

    def step(self, ms: int, step_ms: int) -> str:
        """Return where a step of a series begins; days are those of UTC, as they are counted."""
        if step_ms >= DAY_MS:
            return datetime.fromtimestamp(ms / 1000, UTC).strftime("%a %d %b")
        return datetime.fromtimestamp(ms / 1000, self.zone).strftime("%d %b %H:%M")


def count(value: float | None) -> str:
    """Return a count with separators; fractions only of small ones."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def percent(share: float | None) -> str:
    """Return a share as a percentage of three digits."""
    return NONE if share is None else f"{100 * share:.3g} %"


def ratio(value: float | None) -> str:
    """Return a ratio such as ``1.8×``."""
    return NONE if value is None else f"{value:.3g}×"


def signed(share: float | None) -> str:
    """Return a relative change with its sign."""
    return NONE if share is None else f"{100 * share:+,.0f} %"


def seconds(value: float | None) -> str:
    """Return a duration in seconds."""
    return NONE if value is None else f"{value:.3g} s"


def short(text: str) -> str:
    """Return the text, cut where it is too long for a label."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def name_of(item: dict[str, Any]) -> str:
    """Return an item's title, or its id where it has none."""
    return short(item.get("title") or item["item_id"])
