"""The fingerprinted settings: everything that decides which events are accepted and what they fold to."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import product

PARSER_VERSION = 1
FOLD_VERSION = 7  # 7: a user's events on one item enter the hourly counts a few times a day at most
_SINCE = {"dimensions": 6, "counted_per_day": 7}  # the fold version that began to know a setting
DAYS_30_MS = 30 * 24 * 3_600_000

# A kind's weight is a number >= 0, "value" (the event's own value) or "remove" (retracts the user's item).
DEFAULT_KINDS: Mapping[str, float | str] = {
    "impression": 0,
    "view": 1,
    "click": 1,
    "like": 2,
    "save": 2,
    "share": 2,
    "comment": 2,
    "follow": 3,
    "cart": 3,
    "purchase": 5,
    "rating": "value",
    "remove": "remove",
}

# What activity is counted by, besides hour and kind: each has the fields of an event that name its values.
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "all": (),
    "category": ("category",),
    "device": ("device",),
    "source": ("source",),
    "referrer": ("referrer",),  # by host
    "category_device": ("category", "device"),
    "item": ("item_id",),
}
OPTIONAL_DIMENSIONS = tuple(name for name in DIMENSIONS if name != "all")


@dataclass(frozen=True)
class Rules:
    """Acceptance and fold parameters; two views may be merged only when their fingerprints are equal."""

    kinds: Mapping[str, float | str] = field(default_factory=lambda: dict(DEFAULT_KINDS))
    history_items: int = 20  # N: distinct items a user's history keeps
    remembered_ids: int = 64  # D: event ids by which duplicates are recognised
    window_ms: int = DAYS_30_MS
    partitioner: str = "murmur2"  # or "crc32" (librdkafka's default)
    partitions: int = 4
    dimensions: tuple[str, ...] = OPTIONAL_DIMENSIONS  # counted besides `all`, in the order of ``DIMENSIONS``
    counted_per_day: int = 10  # of a user's events on one item: more do not enter the hourly counts

    def fingerprint(self) -> str:
        """Return a short name of these rules; two names are equal exactly when the rules are equal (rule 14)."""
        return self._fingerprint(PARSER_VERSION, FOLD_VERSION)

    def earlier_fingerprints(self) -> set[str]:
        """Return the fingerprints of these settings in earlier versions, which parsed or folded differently."""
        versions = product(range(1, PARSER_VERSION + 1), range(1, FOLD_VERSION + 1))
        return {self._fingerprint(parser, fold) for parser, fold in versions} - {self.fingerprint()}

    def _fingerprint(self, parser: int, fold: int) -> str:
        kinds = dict(sorted(self.kinds.items()))
        known = {name: value for name, value in asdict(self).items() if fold >= _SINCE.get(name, 0)}
        parts = {**known, "kinds": kinds, "parser": parser, "fold": fold}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
