"""Popular items by category and brand, as the catalogue and the events name these now."""

import threading
import weakref
from collections.abc import Hashable
from dataclasses import dataclass, field

from core.ranking.columns import NOTHING
from core.ranking.shelves import MOST_ON_SHELVES, Labels, Shelves, labels_of, shelves
from core.rows.views import ITEMS
from recommenders.port import Ints
from serving_layer.memory.catalogue_rows import CatalogueRows
from serving_layer.memory.moment import Moment
from serving_layer.memory.row_cache import RowCache
from serving_layer.merged.catalogue import Described, describe
from serving_layer.merged.counts import decayed, once_a_commit
from serving_layer.reading.snapshot import Snapshot

MOST_LABELLED = 200_000  # items whose labels are kept


@dataclass
class KeptLabels:
    """The labels of items by code, of one generation, until a commit or a record may change them; threads may share it.

    Looking up what is known of a hundred items takes longer than all else that an answer needs of them.
    """

    generation: str | None
    _known: dict[int, tuple[str, ...]] = field(default_factory=dict)  # as they are at the moment ``_of``
    _of: tuple[RowCache, CatalogueRows, int] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, snapshot: Snapshot, codes: list[int]) -> Labels:
        """Return what ``labels`` does."""
        moment = snapshot.moment
        if moment is None:
            return _labels(snapshot, codes)
        with self._lock:
            reaches = self._reaches(moment)
            known = [self._known.get(code) if reaches else None for code in codes]
        if missing := [code for code, own in zip(codes, known, strict=True) if own is None]:
            read = dict(zip(missing, _labels(snapshot, missing), strict=True))
            known = [read[code] if own is None else own for code, own in zip(codes, known, strict=True)]
            with self._lock:
                if not snapshot.course.rows and self._reaches(moment):  # else they are right only once confirmed
                    self._known.update(read)
        return [own for own in known if own is not None]

    def _reaches(self, moment: Moment) -> bool:
        """Return whether what is known holds at the moment; what commits before it may have changed is dropped."""
        at = moment.rows, moment.catalogue, moment.attempt
        if self._of is not None and self._of[0] is moment.rows and self._of[1] is moment.catalogue:
            if moment.attempt <= self._of[2]:
                return moment.attempt == self._of[2]
            changed = moment.rows.changed(ITEMS, self._of[2], moment.attempt)
        else:
            changed = None
        if changed is None or len(self._known) > MOST_LABELLED:
            self._known.clear()
        for name in changed or ():
            self._known.pop(moment.memory.index.find(name), None)
        self._of = at
        return True


def labels(snapshot: Snapshot, items: Ints) -> Labels:
    """Return the categories and the brand of each item."""
    return snapshot.memory.kept(KeptLabels).of(snapshot, items.tolist())


def shelves_of(snapshot: Snapshot, half_life_hours: float) -> Shelves:
    """Return the most popular items by label; computed once for all answers of the same sums and catalogue."""

    def made() -> Shelves:
        ranked = decayed(snapshot, half_life_hours)
        head = NOTHING if ranked is None else ranked.first(MOST_ON_SHELVES)
        return shelves(head, labels(snapshot, head.codes))

    if snapshot.moment is None:  # nothing says whether the catalogue is the one of another answer
        return made()
    catalogue: Hashable = weakref.ref(snapshot.moment.catalogue)  # another one after each change of a record
    return once_a_commit(snapshot, ("shelves", half_life_hours, catalogue), made)


def _labels(snapshot: Snapshot, codes: list[int]) -> Labels:
    names = [snapshot.index.names[code] for code in codes]
    about = describe(snapshot, names)
    return [_labels_of(about[name]) for name in names]


def _labels_of(about: Described) -> tuple[str, ...]:
    return labels_of(about.categories, about.record.brand if about.record else None)
