"""The merged sums of a snapshot as recommenders read them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.ranking import scores
from core.ranking.scores import Ranked, Window
from serving_layer.reading.counts import once_a_commit, popular, trends, window_counts
from serving_layer.reading.snapshot import Snapshot

T = TypeVar("T")


@dataclass(frozen=True)
class MergedSums:
    """``recommenders.port.Sums`` over both views."""

    snapshot: Snapshot

    @property
    def shrinkage(self) -> float:
        return self.snapshot.views.shrinkage

    def pairs(self, items: Sequence[bytes]) -> Mapping[bytes, Mapping[bytes, int]]:
        return self.snapshot.pairs(items)

    def norms(self, items: Sequence[bytes]) -> Mapping[bytes, int]:
        return self.snapshot.norms(items)

    def frequent(self, hours: int) -> Ranked | None:
        window = self._window(hours)
        return None if window is None else popular(self.snapshot, window)

    def rising(self, hours: int) -> Ranked | None:
        window, oldest = self._window(hours), self.snapshot.facts.oldest_bucket
        if window is None or not scores.has_trend(window_counts(self.snapshot, window), window, oldest):
            return None
        return trends(self.snapshot, window)

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        return once_a_commit(self.snapshot, (self.snapshot.facts.as_of, what), make)

    def _window(self, hours: int) -> Window | None:
        as_of = self.snapshot.facts.as_of
        return None if as_of is None else Window.ending(as_of, hours)
