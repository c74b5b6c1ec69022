"""What a blend is learned from: questions of the past with what every signal said, and what the user took then.

A walk asks before each event of the newest part, of sums that hold all earlier events, as an answer then would have
been computed: for a list without what the user has seen where the event took something new, and for one that may have
it. A split asks once for each user, at its moment, and every item that was taken later is an answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from adapters.terminal.progress import watched
from batch_layer.learning.asking import Question
from batch_layer.learning.candidates import EveryCandidate
from core.quality.ranking_quality import LIST, Interactions, Judged, Mask
from core.ranking.choice import Rows
from core.ranking.columns import Columns, Floats, Ints, Stacked, among
from core.ranking.features import PER_SIGNAL, Features, chances
from core.ranking.kernels import Kernels, compiled
from core.ranking.learned import context
from recommenders import port
from recommenders.cohort import Cohort
from recommenders.live import LiveSums
from recommenders.port import Candidates, Scorer
from recommenders.signals import answers_of, columns_of
from recommenders.traits import foremost_of, traits_of

HOUR_MS = 3_600_000
NO_ITEM = -1
NOTHING_SEEN = np.zeros(0, np.int64)
SHOWN_EVERY = 20  # questions
MOST_TAKEN = 10  # lessons of one user of a split
SEED = 42


@dataclass(frozen=True)
class Lesson:
    """One question: ``rows`` of features of the candidates kept, ``taken`` among them (``NO_ITEM``: none of them).

    The traits' columns follow those of the signals.
    ``every``: all candidates, beside those kept; None: confidence learns nothing from it. ``all_taken``: the places
    among them of all that the user took after the question; of a walk that is one item at most.
    ``hits``: of each signal, the chance that it alone had the item among its first ten. ``weight``: of the question.
    ``calibrates``: whether hits among its list say how sure an answer may be.
    """

    rows: Rows
    taken: int
    context: Floats
    hits: Floats
    user: int
    weight: float = 1.0
    every: EveryCandidate | None = None
    all_taken: Ints = field(default_factory=lambda: NOTHING_SEEN)
    calibrates: bool = True

    @property
    def teaches(self) -> bool:
        """Whether the user took one of several candidates."""
        return self.taken != NO_ITEM and len(self.rows) > 1

    @property
    def speaking(self) -> Mask:
        """Whether each signal lists any candidate."""
        features = self.rows[:, : PER_SIGNAL * len(self.hits)].any(axis=0)
        speaking: Mask = np.logical_or.reduce(features.reshape(-1, PER_SIGNAL), axis=1)
        if self.every is not None:
            speaking[np.diff(self.every.starts) > 0] = True
        return speaking


def context_of(question: port.Question, as_of: int | None) -> Floats:
    """Return what is known of the user, as the blend's weights depend on it."""
    touched = [entry.last_time for entry in question.history.entries]
    hours = (as_of - max(touched)) / HOUR_MS if touched and as_of is not None else None
    return context(len(question.standing.codes), hours)


@dataclass(frozen=True)
class Walk:
    """The events before which a walk asks, ascending: those of users who take something ``new``, and ``any`` ones.

    ``begin``: where the walk begins.
    """

    begin: int
    new: Ints
    any: Ints


@dataclass(frozen=True)
class Asked:
    """Who answers: a scorer for each signal of lists without seen items, and for each of lists that may have them.

    A scorer in both is asked once.
    """

    new: Sequence[Scorer]
    again: Sequence[Scorer]


def of_walk(
    events: Interactions, names: Sequence[bytes], question: Question, walk: Walk, asked: Asked
) -> tuple[list[Lesson], list[Lesson]]:
    """Return the lessons of new items and those of any, in order of time, of sums that hold all before each event."""
    kernels = compiled()
    live = LiveSums(events, question.rules, names, walk.begin, question.shrinkage, kernels)
    new, again = set(walk.new.tolist()), set(walk.any.tolist())
    lessons: tuple[list[Lesson], list[Lesson]] = ([], [])
    asked_about = sorted(new | again)
    for event in watched("asking questions of the newest part", asked_about, len(asked_about), every=SHOWN_EVERY):
        live.advance(event)
        user, taken = int(events.user[event]), np.array([events.item[event]])
        own, answers = live.question(user), dict[int, Candidates]()
        for part, scorers, out in (new, asked.new, lessons[0]), (again, asked.again, lessons[1]):
            if event not in part:
                continue
            for scorer in scorers:
                if id(scorer) not in answers:
                    (answers[id(scorer)],) = answers_of([scorer], own, len(own.standing.codes))
            columns = columns_of([answers[id(scorer)] for scorer in scorers])
            excluded = NOTHING_SEEN if out is lessons[1] else own.standing.codes
            out += _lessons(columns, excluded, kernels, own, live.as_of, user, taken)
    return lessons


def of_split(
    cohort: Cohort, train: Interactions, asked: Judged, scorers: Sequence[Scorer], seen_again: bool
) -> Iterator[Lesson]:
    """Yield lessons of the judged users: items that each took later, all of one user weighing 1 together."""
    kernels, as_of = compiled(), int(train.time.max())
    rng = np.random.default_rng(SEED)
    for user, wanted in zip(asked.users.tolist(), asked.wanted, strict=True):
        taken = wanted if len(wanted) <= MOST_TAKEN else np.sort(rng.choice(wanted, MOST_TAKEN, replace=False))
        question = cohort.question(user)
        excluded = NOTHING_SEEN if seen_again else question.standing.codes
        columns = columns_of(answers_of(scorers, question, len(excluded)))
        yield from _lessons(columns, excluded, kernels, question, as_of, user, taken, wanted)


def _lessons(
    columns: Sequence[Columns], excluded: Ints, kernels: Kernels, question: port.Question, as_of: int | None,
    user: int, taken: Ints, wanted: Ints = NOTHING_SEEN,
) -> Iterator[Lesson]:  # fmt: skip
    """Yield a lesson for each item that was taken, of what the signals answered; ``wanted``: all that were taken."""
    known = kernels.features(Stacked.of(columns), excluded)
    kept = foremost_of(question, known)
    traits = traits_of(question, known)
    rows = np.concatenate([known.values(kept), traits[kept]], axis=1).astype(np.float32)
    context, every = context_of(question, as_of), EveryCandidate.of(known, traits)
    all_taken = np.flatnonzero(among(known.codes, wanted if len(wanted) else taken))
    for item, own_hits in zip(taken.tolist(), hits_of(known, taken), strict=True):
        place = np.flatnonzero(known.codes[kept] == item)
        yield Lesson(
            rows,
            int(place[0]) if len(place) else NO_ITEM,
            context,
            own_hits,
            user,
            1 / len(taken),
            every,
            all_taken,
        )


def hits_of(known: Features, taken: Ints) -> Floats:
    """Return the chance that each signal has each of the items among its first ten, shape (items, signals).

    Where a signal gives many items one score, such as all of a category, ten of them are listed.
    """
    hits = np.zeros((len(taken), len(known.starts) - 1))
    place = np.full(int(max(known.codes.max(initial=0), taken.max(initial=0))) + 1, NO_ITEM)
    place[taken] = np.arange(len(taken))
    at = place[known.codes[known.rows]]
    entry = np.flatnonzero(at != NO_ITEM)
    hits[at[entry], np.searchsorted(known.starts, entry, "right") - 1] = chances(known, LIST)[entry]
    return hits
