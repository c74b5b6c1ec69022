"""Popular items by category and brand, as the catalogue and the events name these now."""

from dataclasses import dataclass, field

from core.ranking.shelves import ByLabel, Labels, Shelves, most_popular
from recommenders.port import Ints
from serving_layer.merged.catalogue import described
from serving_layer.merged.count_cache import once_a_catalogue
from serving_layer.merged.counts import decayed
from serving_layer.reading.snapshot import Snapshot


@dataclass
class LastLabels:
    """The labels of a generation's last shelves, of which the next are made by what differs; threads may share it."""

    generation: str | None
    by_label: ByLabel = field(default_factory=ByLabel)


def labels(snapshot: Snapshot, items: Ints) -> Labels:
    """Return the categories and the brand of each item."""
    names = snapshot.index.names
    return [about.labels for about in described(snapshot, [names[code] for code in items.tolist()])]


def shelves_of(snapshot: Snapshot, half_life_hours: float) -> Shelves:
    """Return the most popular items by label; computed once for all answers of the same sums and catalogue."""

    def made() -> Shelves:
        items, last = most_popular(decayed(snapshot, half_life_hours)), snapshot.memory.kept(LastLabels)
        last.by_label = by_label = last.by_label.knowing(items.codes, labels(snapshot, items.codes))
        return Shelves(items, by_label)

    return once_a_catalogue(snapshot, ("shelves", half_life_hours), made)
