"""What ``verify`` compared and what it found."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TypeVar

SHOWN = 20
REPORTED_EVERY = 500  # compared values

T = TypeVar("T")


@dataclass
class Report:
    """What was compared.

    ``events``: accepted without duplicates; ``duplicates``: the others; ``users``: with an event; ``items``: with a
    norm; ``pairs``: unordered; ``counts``: hourly; ``histories``: users; ``seen``: words of users on items;
    ``categories``: items with an event; ``activity``: counters by hour, dimension and kind; ``active_users``: hours;
    ``excess``: events beyond their users' shares; ``facts``: as_of, oldest bucket, first hour, events and rejected
    records by reason.
    ``sums`` is how many stored or expected values were compared, apart from facts; ``examples`` are the
    first mismatches. ``watch`` is called now and then while values are compared.
    """

    events: int = 0
    users: int = 0
    items: int = 0
    pairs: int = 0
    counts: int = 0
    histories: int = 0
    seen: int = 0
    categories: int = 0
    activity: int = 0
    active_users: int = 0
    duplicates: int = 0
    excess: int = 0
    facts: int = 0
    sums: int = 0
    mismatches: int = 0
    examples: list[str] | None = None
    watch: "Callable[[Report], None] | None" = field(default=None, repr=False, compare=False)

    def compare(self, what: str, expected: T, stored: T, shown: Callable[[T], object] = lambda value: value) -> None:
        """Compare two values: sums in thousandths, or plain counts."""
        self.sums += 1
        self._hold(what, expected, stored, shown)
        if self.watch is not None and self.sums % REPORTED_EVERY == 0:
            self.watch(self)

    def compare_fact(self, what: str, expected: object, stored: object) -> None:
        """Compare two facts: they exist even where no event was accepted, which proves nothing."""
        self._hold(what, expected, stored, lambda value: value)

    def _hold(self, what: str, expected: T, stored: T, shown: Callable[[T], object]) -> None:
        if expected != stored:
            self.mismatches += 1
            example = f"{what}: expected {shown(expected)}, stored {shown(stored)}"
            self.examples = [*(self.examples or []), example][:SHOWN]

    @property
    def proved(self) -> bool:
        """Whether something was compared and all of it was equal."""
        return self.mismatches == 0 and self.sums > 0

    def as_json(self) -> dict[str, object]:
        shown = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "watch"}
        return {**shown, "examples": self.examples or []}
