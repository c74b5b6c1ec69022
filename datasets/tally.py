"""What an import kept, what it dropped and why."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of rows; every dropped row has exactly one reason, and a note never drops a row."""

    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def drop(self, reason: str) -> None:
        self.dropped[reason] += 1

    def note(self, what: str) -> None:
        self.notes[what] += 1

    def sentence(self) -> str:
        """For people: ``kept 17,434, dropped 1: cut row 1; note: read as Windows-1252 12``."""
        dropped = self.dropped.total()
        text = f"kept {self.kept:,}, dropped {dropped:,}"
        if dropped:
            text += ": " + _listed(self.dropped)
        return text + (f"; note: {_listed(self.notes)}" if self.notes else "")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
