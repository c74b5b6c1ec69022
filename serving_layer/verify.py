"""The proof: every merged sum against an independent slow recompute of the log's prefix, exactly (rule 16).

The slow path shares no code with the layers but the parser: events come back from the lake, the rest from the log,
and are folded one by one by ``core.fold_slow``.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from adapters.books import SPEED, generation_book, segment_spaces
from adapters.stores.port import ViewStore
from core import views
from core.codec import bucket_of_key, unpack_norm
from core.fold_slow import SlowView
from core.merging import added, committed_parts
from schemas.control import Control, Position
from schemas.errors import MillraceError
from schemas.event import Event
from schemas.rules import Rules

SHOWN = 20


@dataclass
class Report:
    """What was compared: accepted events without duplicates, users, items with a norm, unordered pairs, hourly counts.

    ``sums`` is how many stored or expected sums were held against each other; ``examples`` are the first mismatches.
    """

    events: int = 0
    users: int = 0
    items: int = 0
    pairs: int = 0
    counts: int = 0
    sums: int = 0
    mismatches: int = 0
    examples: list[str] | None = None

    def compare(self, what: str, expected: int, stored: int) -> None:
        """Hold one sum against the other; both in thousandths, or plain counts."""
        self.sums += 1
        if expected != stored:
            self.mismatches += 1
            self.examples = [*(self.examples or []), f"{what}: expected {expected}, stored {stored}"][:SHOWN]

    @property
    def proved(self) -> bool:
        """Whether something was compared and all of it was equal."""
        return self.mismatches == 0 and self.sums > 0

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "examples": self.examples or []}


def recompute(events: Iterable[Event], rules: Rules) -> SlowView:
    """The slow fold of events that come in log order within each partition."""
    slow = SlowView()
    for event in events:
        slow.take(event, rules)
    return slow


class MergedRows:
    """Every row of the active generation and of the segments given, merged, as a position committed them."""

    def __init__(
        self, batch: ViewStore, speed: ViewStore, control: Control, position: Position | None, segments: Iterable[int]
    ):
        self._batch, self._speed, self._control, self._position = batch, speed, control, position
        self._segments = list(segments)

    def rows(self, view: str) -> Iterator[tuple[bytes, list[bytes]]]:
        """Each key of the view with its parts."""
        parts: dict[bytes, list[bytes]] = defaultdict(list)
        if self._control.active is not None:
            for key, value in self._batch.scan(generation_book(self._control.active), view):
                parts[key].append(value)
        for segment in self._segments if self._position else ():
            assert self._position is not None
            for space in segment_spaces(self._position.epoch, view, segment):
                for key, stored in self._speed.scan(SPEED, space):
                    parts[key] += committed_parts(stored, self._position)
        yield from parts.items()


def compare(slow: SlowView, merged: MergedRows, sample: int | None = None, seed: int = 0) -> Report:
    """Hold every sum of the slow view against the merged rows; with ``sample`` those of that many items only.

    Raises:
        MillraceError: there is nothing to compare.
    """
    report = Report(slow.events, sum(1 for each in slow.histories.values() if each.ids))
    wanted = _sampled(slow, sample, seed)
    _norms(slow, merged, wanted, report)
    _pairs(slow, merged, wanted, report)
    _counts(slow, merged, wanted, report)
    if report.sums == 0:
        raise MillraceError("nothing was compared: no accepted event with a weight lies below the boundary yet")
    return report


def _sampled(slow: SlowView, sample: int | None, seed: int) -> set[str] | None:
    names = sorted(slow.categories)
    return None if sample is None else set(random.Random(seed).sample(names, min(sample, len(names))))


def _norms(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    expected = {item: amount for item, amount in slow.norms.items() if amount and (wanted is None or item in wanted)}
    report.items = len(expected)
    for key, parts in merged.rows(views.NORMS):
        item = key.decode()
        if wanted is None or item in wanted:
            report.compare(f"norm of {item}", expected.pop(item, 0), sum(map(unpack_norm, parts)))
    for item, amount in expected.items():
        report.compare(f"norm of {item}", amount, 0)


def _pairs(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    expected: dict[str, dict[str, int]] = defaultdict(dict)
    for (item, other), amount in slow.pairs.items():
        if amount and (wanted is None or item in wanted):
            expected[item][other] = amount
            report.pairs += item < other or (wanted is not None and other not in wanted)
    for key, parts in merged.rows(views.PAIRS):
        item = key.decode()
        if wanted is None or item in wanted:
            _row(f"pair of {item} with", expected.pop(item, {}), added(parts), report)
    for item, row in expected.items():
        _row(f"pair of {item} with", row, {}, report)


def _counts(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    expected: dict[int, dict[str, int]] = defaultdict(dict)
    for (bucket, item), count in slow.counts.items():
        if wanted is None or item in wanted:
            expected[bucket][item] = count
            report.counts += 1
    for key, parts in merged.rows(views.COUNTS):
        bucket = bucket_of_key(key)
        stored = {name: n for name, n in added(parts).items() if wanted is None or name.decode() in wanted}
        _row(f"count in bucket {bucket} of", expected.pop(bucket, {}), stored, report)
    for bucket, row in expected.items():
        _row(f"count in bucket {bucket} of", row, {}, report)


def _row(what: str, expected: dict[str, int], stored: dict[bytes, int], report: Report) -> None:
    named = {name.decode(): amount for name, amount in stored.items()}
    for name in expected.keys() | named.keys():
        report.compare(f"{what} {name}", expected.get(name, 0), named.get(name, 0))
