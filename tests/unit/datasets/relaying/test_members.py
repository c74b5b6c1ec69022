"""What the members of a relay counted, together."""

from collections import Counter
from pathlib import Path

from datasets.relaying.members import counts_in, total, write_counts
from datasets.relaying.transform import Counts


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    counts = Counts(5, 3, 1, Counter({"no user": 1}), Counter({"no kind for 'x'": 2}))
    write_counts(counts, tmp_path / "counts.json")
    assert counts_in(tmp_path / "counts.json") == counts


def test_a_total_adds_up_reasons_too() -> None:
    first, second = Counts(5, 3, 1, Counter(a=1)), Counts(2, 2, 0, Counter(a=1, b=2), Counter(c=1))
    assert total([first, second]) == Counts(7, 5, 1, Counter(a=2, b=2), Counter(c=1))
