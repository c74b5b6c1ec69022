"""What an import kept, what it dropped and why, and where every line of its files went."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MAX_REASONS = 100  # a wrong column can have a million different words
OTHER_REASONS = "other reasons"


@dataclass(frozen=True)
class Reject:
    """A row that was dropped: where it is, why, and its cells as they were read."""

    row: int  # counts the rows of all tables, from 1; 0 for a blank line above a header
    line: int  # of its table, where the row begins, from 1
    reason: str
    table: str
    cells: Sequence[str]


@dataclass
class Tally:
    """Counts of rows and lines. Every dropped row has exactly one reason, and a note never drops a row.

    At the end of an import ``lines == kept + dropped.total() + explained.total()``.
    """

    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    explained: Counter[str] = field(default_factory=Counter)  # lines that are no rows: headers, lines inside cells
    examples: dict[str, str] = field(default_factory=dict)  # the first cell that a reason or note was counted for
    beside: dict[str, "Tally"] = field(default_factory=dict)  # of the catalogue's tables, by pattern
    on_reject: Callable[[Reject], None] | None = None
    place: tuple[str, int] = field(default=("", 0), compare=False)  # the table and line of the row that is judged
    reached: Callable[[int, int], None] | None = None  # called now and then: bytes read and their total

    def drop(self, reason: str, row: int = 0, cells: Sequence[str] = (), example: str = "") -> None:
        if reason not in self.dropped and len(self.dropped) >= MAX_REASONS:
            reason = OTHER_REASONS
        self.dropped[reason] += 1
        if example:
            self.examples.setdefault(reason, example)
        if self.on_reject:
            table, line = self.place
            self.on_reject(Reject(row, line, reason, table, cells))

    def note(self, what: str, example: str = "") -> None:
        self.notes[what] += 1
        if example:
            self.examples.setdefault(what, example)

    def sentence(self) -> str:
        """Return the counts for people: ``kept 17,434, dropped 1: cut row 1; note: read as Windows-1252 12``."""
        dropped = self.dropped.total()
        text = f"kept {self.kept:,}, dropped {dropped:,}"
        if dropped:
            text += ": " + _listed(self.dropped)
        return text + (f"; note: {_listed(self.notes)}" if self.notes else "")

    def lines_sentence(self) -> str:
        """Return where the lines went: ``17,436 lines: 17,434 rows kept, 1 dropped, header 1``."""
        text = f"{self.lines:,} lines: {self.kept:,} rows kept, {self.dropped.total():,} dropped"
        return text + (f", {_listed(self.explained)}" if self.explained else "")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
