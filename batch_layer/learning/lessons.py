"""What a blend is learned from: questions of the past with what every signal said, and what the user took then.

A walk asks before each event of the newest part, of sums that hold all earlier events, as an answer then would have
been computed. A split asks once for each user, at its moment, and every item that was taken later is an answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from batch_layer.learning.asking import Question
from core.quality.ranking_quality import LIST, Interactions, Judged, Mask
from core.ranking.choice import Rows
from core.ranking.columns import Floats, Ints, Stacked
from core.ranking.features import PER_SIGNAL, RANKS
from core.ranking.kernels import Kernels, compiled
from core.ranking.learned import context
from recommenders import port
from recommenders.cohort import Cohort
from recommenders.live import LiveSums
from recommenders.port import Scorer
from recommenders.signals import answers_of, columns_of

KEPT = 100  # candidates of a question, by their best rank in any signal
HOUR_MS = 3_600_000
NO_ITEM = -1
MOST_TAKEN = 4  # lessons of one user of a split
SEED = 42


@dataclass(frozen=True)
class Lesson:
    """One question: ``rows`` of features of the candidates kept, ``taken`` among them (``NO_ITEM``: none of them).

    ``hits``: of each signal, whether it alone had the item among its first ten. ``weight``: of the question.
    """

    rows: Rows
    taken: int
    context: Floats
    hits: Mask
    user: int
    weight: float = 1.0

    @property
    def teaches(self) -> bool:
        """Whether the user took one of several candidates."""
        return self.taken != NO_ITEM and len(self.rows) > 1


def context_of(question: port.Question, as_of: int | None) -> Floats:
    """Return what is known of the user, as the blend's weights depend on it."""
    touched = [entry.last_time for entry in question.history.entries]
    hours = (as_of - max(touched)) / HOUR_MS if touched and as_of is not None else None
    return context(len(question.standing.codes), hours)


def of_walk(
    events: Interactions, names: Sequence[bytes], question: Question, begin: int, asked: Ints, scorers: Sequence[Scorer]
) -> Iterator[Lesson]:
    """Yield a lesson for each event of ``asked``, ascending, of sums that hold all before it."""
    kernels = compiled()
    live = LiveSums(events, question.rules, names, begin, question.shrinkage, kernels)
    for event in asked.tolist():
        live.advance(event)
        user, taken = int(events.user[event]), np.array([events.item[event]])
        yield from _lessons(live.question(user), live.as_of, user, taken, scorers, kernels, question.seen_again)


def of_split(
    cohort: Cohort, train: Interactions, asked: Judged, scorers: Sequence[Scorer], seen_again: bool
) -> Iterator[Lesson]:
    """Yield lessons of the judged users: items that each took later, all of one user weighing 1 together."""
    kernels, as_of = compiled(), int(train.time.max())
    rng = np.random.default_rng(SEED)
    for user, wanted in zip(asked.users.tolist(), asked.wanted, strict=True):
        taken = wanted if len(wanted) <= MOST_TAKEN else np.sort(rng.choice(wanted, MOST_TAKEN, replace=False))
        yield from _lessons(cohort.question(user), as_of, user, taken, scorers, kernels, seen_again)


def _lessons(
    question: port.Question, as_of: int | None, user: int, taken: Ints, scorers: Sequence[Scorer], kernels: Kernels,
    seen_again: bool,
) -> Iterator[Lesson]:  # fmt: skip
    excluded = np.zeros(0, np.int64) if seen_again else question.standing.codes
    columns = columns_of(answers_of(scorers, question, len(excluded)))
    known = kernels.features(Stacked.of(columns), excluded)
    best = known.values[:, 1::PER_SIGNAL]
    kept = np.argsort(-best.max(axis=1, initial=0.0), kind="stable")[:KEPT]
    rows, about = known.values[kept].astype(np.float32), context_of(question, as_of)
    for item in taken.tolist():
        at = np.flatnonzero(known.codes == item)
        hits: Mask = (best[at[0]] >= RANKS[LIST - 1]) if len(at) else np.zeros(len(scorers), np.bool_)
        place = np.flatnonzero(known.codes[kept] == item)
        yield Lesson(rows, int(place[0]) if len(place) else NO_ITEM, about, hits, user, 1 / len(taken))
