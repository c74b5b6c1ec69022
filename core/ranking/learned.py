"""The learned blend: what each signal says of an item, weighed by coefficients that a log has taught, after the merge.

The score of an item is its share in a choice among all candidates: exp(z) over the sum of exp(z), where z adds up
feature · weight. A weight depends on the user: it is linear in ``context``. Coefficients are fitted in ``choice``.
Features are what each signal says of an item, and the traits of the item itself, whoever lists it.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from core.codes.item_index import ItemIndex
from core.ranking.blend import Blend, Knots, strongest
from core.ranking.choice import shares_of_choice
from core.ranking.columns import NOBODY, Columns, Floats, Ints, Stacked, among
from core.ranking.features import PER_SIGNAL, Traits, no_traits
from core.ranking.kernels import READABLE, Kernels
from core.ranking.ranked import in_order

CONTEXTS = 3  # what a weight depends on: nothing, how much is known of the user, how long ago the last touch is
MUCH = math.log1p(200)  # items that stand
LONG = math.log1p(720)  # hours
FEATURE_NAMES = ("score", "rank", "presence")
TRAIT = "item"  # in the place of a signal, where features are shown


def context(items: int, hours: float | None) -> Floats:
    """Return what weights are linear in, each about 0 to 1.

    Args: items: that stand of the user.      hours: since the user's last touch; None: nobody knows.
    """
    since = 1.0 if hours is None else math.log1p(max(0.0, hours)) / LONG
    return np.array([1.0, math.log1p(items) / MUCH, since])


@dataclass(frozen=True)
class Signal:
    """One ranking of candidates: a source with settings of its own, where they differ from the configured ones."""

    source: str
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name for people, such as ``popular (half_life_hours 4)``."""
        own = ", ".join(f"{name} {value:g}" for name, value in self.settings.items())
        return f"{self.source} ({own})" if own else self.source


@dataclass(frozen=True)
class Learned:
    """What a generation stores of its blend: ``weights``, one row per feature and one column per context.

    ``knots``: how its scores go together with hits, each raised by ``sure`` for its user (``knots_for``). ``facts``:
    what was found while it was learned, JSON. ``traits``: the names of those whose rows follow the signals' rows.
    Blends of earlier versions have no traits, and the same knots for everybody.
    """

    signals: tuple[Signal, ...]
    weights: tuple[tuple[float, ...], ...]
    knots: Knots = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    sure: tuple[float, ...] = ()

    @cached_property
    def sources(self) -> list[str]:
        """The sources of the signals, each once."""
        return list(dict.fromkeys(signal.source for signal in self.signals))

    @cached_property
    def source_of(self) -> Ints:
        """The number of each signal's source among ``sources``."""
        return np.array([self.sources.index(signal.source) for signal in self.signals], np.int64)

    @cached_property
    def _columns(self) -> Floats:
        return np.array(self.weights, np.float64).reshape(self.of_signals + len(self.traits), CONTEXTS)

    @property
    def of_signals(self) -> int:
        """How many of the features are the signals'."""
        return len(self.signals) * PER_SIGNAL

    def weights_for(self, user: Floats) -> Floats:
        """Return the weight of each feature for a user of that ``context``."""
        out = np.zeros(len(self._columns))
        for k, value in enumerate(user.tolist()):
            out += self._columns[:, k] * value
        return out

    def knots_for(self, user: Floats) -> Knots:
        """Return how the scores of a user of that ``context``, of which ``sure`` asks the first, go with hits."""
        raised = sum(own * value for own, value in zip(self.sure, user.tolist(), strict=False))
        lowered = math.exp(-raised)
        return [(score * lowered, rate) for score, rate in self.knots] if raised else self.knots

    def to_json(self) -> bytes:
        """Return the row that stores it; numbers come back as the same bits."""
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_json(row: bytes) -> "Learned":
        stored = json.loads(row)
        signals = tuple(Signal(signal["source"], signal["settings"]) for signal in stored["signals"])
        weights = tuple(map(tuple, stored["weights"]))
        traits, sure = (tuple(stored.get(name, ())) for name in ("traits", "sure"))
        return Learned(signals, weights, stored["knots"], stored["facts"], traits, sure)


@dataclass(frozen=True)
class Blends:
    """What a generation has learned of its blend, each of its own questions; a sentence where nothing was learned.

    ``new``: for lists without what the user has seen. ``again``: for lists that may have it.
    """

    new: Learned | str = ""
    again: Learned | str = ""

    def of(self, seen_again: bool) -> Learned | None:
        """Return the one that serves lists which may have seen items, or those which may not; None: fixed weights."""
        chosen = self.again if seen_again else self.new
        return None if isinstance(chosen, str) else chosen

    @property
    def learned(self) -> list[Learned]:
        """The blends that were learned."""
        return [blend for blend in (self.new, self.again) if not isinstance(blend, str)]

    @property
    def sources(self) -> list[str]:
        """The sources that any of them asks, each once."""
        return list(dict.fromkeys(source for blend in self.learned for source in blend.sources))


class LearnedBlend:
    """Ranks as ``core.ranking.blend.Blend`` does, by learned weights.

    Items that no signal has among its first places follow after all others, in the order of ``rest``.
    """

    def __init__(
        self,
        learned: Learned,
        columns: Sequence[Columns],
        user: Floats,
        excluded: Ints,
        also: int = NOBODY,
        kernels: Kernels = READABLE,
        rest: Blend | None = None,
        traits: Traits = no_traits,
    ) -> None:
        """Blend ``columns``, one of each signal; other arguments are those of ``Blend``. ``traits``: of items."""
        self._learned, self._kernels, self._rest = learned, kernels, rest
        self._known = kernels.features(Stacked.of(columns), excluded, also)
        weights = learned.weights_for(user)
        self._weights, self._of_traits = weights[: learned.of_signals], weights[learned.of_signals :]
        self._traits = traits(self._known, learned.traits)
        speaking = kernels.weighed(self._known, self._weights)
        for column, weight in enumerate(self._of_traits.tolist()):
            speaking += self._traits[:, column] * weight
        scores = shares_of_choice(speaking)
        self.totals = self._followed(Columns(self._known.codes, scores), rest)

    def _followed(self, first: Columns, rest: Blend | None) -> Columns:
        if rest is None:
            return first
        later = rest.totals
        others = ~np.isin(later.codes, first.codes)
        if not others.any():
            return first
        if not len(first.codes):
            return Columns(later.codes, later.scores / later.scores.sum())  # a choice among these
        least = float(first.scores.min())
        codes = np.concatenate([first.codes, later.codes[others]])
        return Columns(codes, np.concatenate([first.scores, later.scores[others] * (least / 2)]))

    def ranking(self, index: ItemIndex) -> Iterator[tuple[int, float]]:
        """Yield (code, score), by score rounded to 12 decimals descending, then by the item's bytes."""
        return in_order(self.totals, index, self._kernels)

    def score(self, code: int) -> float:
        """Return the item's score, 0 where no source names it."""
        at = np.flatnonzero(self.totals.codes == code)
        return float(self.totals.scores[at[0]]) if len(at) else 0.0

    def parts(self, items: Sequence[int]) -> list[dict[str, float]]:
        """Return each item's score by source: split by how much each source's features speak for the item."""
        rows = self._rows_of(items)
        known = np.array([rows[code] for code in items if code in rows], np.int64)
        values = self._known.values(known)
        speaking = (
            (values * self._weights).reshape(len(known), len(self._learned.signals), PER_SIGNAL).sum(axis=-1).tolist()
        )
        presence, scores = values[:, PER_SIGNAL - 1 :: PER_SIGNAL].tolist(), self.totals.scores[known].tolist()
        parts = iter(map(self._split, speaking, presence, scores))
        return [next(parts) if code in rows else self._parts_of_rest(code) for code in items]

    def strongest(self, items: Sequence[int]) -> list[str | None]:
        """Return each item's source of the greatest part, the first of equal ones; None without a source."""
        rows, sources = self._rows_of(items), self._learned.sources
        asked = np.array(list(rows.values()), np.int64)
        given = asked, self._weights, self.totals.scores[asked], self._learned.source_of, len(sources)
        numbers = dict(zip(rows, self._kernels.strongest(self._known, *given).tolist(), strict=True))
        return [sources[numbers[code]] if code in rows else strongest(self._parts_of_rest(code)) for code in items]

    def _rows_of(self, items: Sequence[int]) -> dict[int, int]:
        """Return the rows of those items among the signals' candidates, by code."""
        codes = self._known.codes
        rows = np.flatnonzero(among(codes, items))
        return dict(zip(codes[rows].tolist(), rows.tolist(), strict=True))

    def _split(self, speaking: list[float], presence: list[float], score: float) -> dict[str, float]:
        """Return an item's score by source. Args: speaking: what each signal's features add up to."""
        by_source = dict[str, float]()
        for signal, share, present in zip(self._learned.signals, speaking, presence, strict=True):
            if present:
                by_source[signal.source] = by_source.get(signal.source, 0.0) + share
        speaks = {name: share for name, share in by_source.items() if share > 0} or dict.fromkeys(by_source, 1.0)
        whole = sum(speaks.values())
        return {name: score * share / whole for name, share in speaks.items()}

    def _parts_of_rest(self, code: int) -> dict[str, float]:
        if self._rest is None or not (whole := self._rest.score(code)):
            return {}
        (parts,), score = self._rest.parts([code]), self.score(code)
        return {name: share / whole * score for name, share in parts.items()}

    def features(self, code: int) -> list[dict[str, Any]]:
        """Return what each signal says of the item, what that is worth for this user, and their product."""
        at = np.flatnonzero(self._known.codes == code)
        if not len(at):
            return []
        names = [(signal.name, name) for signal in self._learned.signals for name in FEATURE_NAMES]
        names += [(TRAIT, name) for name in self._learned.traits]
        values = np.concatenate([self._known.values(at)[0], self._traits[at[0]]]).tolist()
        weights = np.concatenate([self._weights, self._of_traits]).tolist()
        return [
            {"signal": signal, "feature": name, "value": value, "weight": weight, "share": value * weight}
            for (signal, name), value, weight in zip(names, values, weights, strict=True)
            if value
        ]
