"""Answers that were given: items that people were shown by a recommendation, and whether they took them.

An event of kind ``impression`` whose ``source`` is a recommender says that an answer was seen. The item was taken where
the user's next event on it that names a recommender is one of a weight above 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_layer.learning.asking import Question
from batch_layer.learning.candidates import EveryCandidate
from batch_layer.learning.lessons import NOTHING_SEEN, Asked, context_of
from core.experiments.assignment import MARK
from core.insights.counters import IMPRESSION
from core.quality.ranking_quality import Floats, Interactions, Ints, Mask
from core.ranking.columns import Stacked
from core.ranking.kernels import compiled
from recommenders import TABLE
from recommenders.live import LiveSums
from recommenders.signals import answers_of, columns_of
from recommenders.traits import traits_of

ONE_ANSWER_MS = 60_000  # items that one user was shown within a minute are of one answer
UNDECIDED_MS = 3_600_000  # whoever was shown an item in the last hour may still take it
MOST_ANSWERS = 800
SEED = 42


@dataclass(frozen=True)
class Shown:
    """Items that answers showed, in order of time, as columns of equal length.

    ``at``: how many events of a weight precede each. ``taken``: whether the user took the item by it.
    """

    at: Ints
    user: Ints
    item: Ints
    time: Ints
    taken: Mask

    def __len__(self) -> int:
        return len(self.at)

    def only(self, kept: Mask | Ints) -> "Shown":
        """Return those rows."""
        return Shown(self.at[kept], self.user[kept], self.item[kept], self.time[kept], self.taken[kept])


@dataclass(frozen=True)
class Outcome:
    """One answer, computed again: its candidates, the places of those ``shown``, and which of these were ``taken``."""

    every: EveryCandidate
    context: Floats
    shown: Ints
    taken: Mask


NOTHING_SHOWN = Shown(NOTHING_SEEN, NOTHING_SEEN, NOTHING_SEEN, NOTHING_SEEN, np.zeros(0, np.bool_))


def apart(rows: Interactions, table: pa.Table) -> tuple[Interactions, Shown]:
    """Return the events of a weight, and what answers showed.

    Args: rows: the events, impressions among them.      table: the same events' columns ``kind`` and ``source``.
    """
    weighty = rows.weight != 0
    by_answer = _of_recommenders(table.column("source"))
    impression = ~weighty & by_answer & pc.equal(table.column("kind"), IMPRESSION).to_numpy()
    takes = by_answer & (rows.weight > 0)
    about = np.flatnonzero(impression | takes)
    pair = rows.user[about] * rows.items + rows.item[about]
    order = np.argsort(pair, kind="stable")
    same_next = np.r_[pair[order][1:] == pair[order][:-1], False]
    taken = np.zeros(len(about), np.bool_)
    taken[order] = same_next & np.r_[takes[about[order]][1:], False]
    decided = rows.time[about] <= rows.time.max(initial=0) - UNDECIDED_MS
    kept = impression[about] & (decided | taken)
    at = (np.cumsum(weighty) - weighty)[about]
    shown = Shown(at, rows.user[about], rows.item[about], rows.time[about], taken).only(kept)
    return rows.only(weighty), shown


def _of_recommenders(source: pa.ChunkedArray) -> Mask:
    """Return which events name a recommender, in whatever experiment."""
    names = source.combine_chunks().dictionary_encode()
    known = np.array([name.partition(MARK)[0] in TABLE for name in names.dictionary.to_pylist()] + [False])
    of: Mask = known[names.indices.fill_null(len(known) - 1).to_numpy()]
    return of


def answers(shown: Shown, begin: int) -> list[Shown]:
    """Return what was shown after the first ``begin`` events by answer, in order; a uniform sample of many."""
    late = shown.only(shown.at >= begin)
    order = np.lexsort((late.time, late.user))
    user, time = late.user[order], late.time[order]
    starts = np.r_[True, (user[1:] != user[:-1]) | (np.diff(time) > ONE_ANSWER_MS)] if len(order) else order
    parts = np.split(order, np.flatnonzero(starts)[1:]) if len(order) else []
    if len(parts) > MOST_ANSWERS:
        drawn = np.random.default_rng(SEED).choice(len(parts), MOST_ANSWERS, replace=False)
        parts = [parts[k] for k in np.sort(drawn).tolist()]
    return sorted((late.only(part) for part in parts), key=lambda own: (int(own.at[0]), int(own.time[0])))


def outcomes(
    events: Interactions, names: Sequence[bytes], question: Question, begin: int, given: Sequence[Shown], asked: Asked
) -> tuple[list[Outcome], list[Outcome]]:
    """Return the answers as they would be now: of lists without seen items, and of those that may have them.

    Args: begin: events that are folded at once.      given: by answer, in order.      asked: as of a walk.
    """
    kernels = compiled()
    live = LiveSums(events, question.rules, names, begin, question.shrinkage, kernels)
    out: tuple[list[Outcome], list[Outcome]] = ([], [])
    for own in given:
        live.advance(int(own.at[0]))
        user = live.question(int(own.user[0]))
        for scorers, excluded, part in ((asked.new, user.standing.codes, out[0]), (asked.again, NOTHING_SEEN, out[1])):
            columns = columns_of(answers_of(scorers, user, len(user.standing.codes)))
            known = kernels.features(Stacked.of(columns), excluded)
            every = EveryCandidate.of(known, traits_of(user, known))
            part += _outcome(every, context_of(user, live.as_of), known.codes, own)
    return out


def _outcome(every: EveryCandidate, context: Floats, codes: Ints, own: Shown) -> Iterator[Outcome]:
    """Yield the answer if any of what was shown is among the candidates; of an item shown twice, whether ever taken."""
    items, first = np.unique(own.item, return_inverse=True)
    taken = np.bincount(first, own.taken) > 0
    place = np.flatnonzero(np.isin(codes, items))
    if len(place):
        yield Outcome(every, context, place, taken[np.searchsorted(items, codes[place])])
