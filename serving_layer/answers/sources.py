"""What each source says of a user's candidates, and their blend: learned where the generation has one, else fixed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from core.codes.item_index import UNKNOWN
from core.experiments.assignment import Experiment, experiment_of
from core.ranking.blend import Blend, Knots
from core.ranking.columns import NOBODY, Floats
from core.ranking.features import PLACES
from core.ranking.kernels import Kernels
from core.ranking.learned import LearnedBlend, context
from recommenders.port import Candidates, Ints, Question, Scorer
from recommenders.signals import SEEN_ONLY, columns_of
from recommenders.traits import traits_of
from serving_layer.answers.basket import Basket
from serving_layer.merged.catalogue import Page
from serving_layer.merged.models import Models, Signals, answers_of, candidates_of, models_of, untrained
from serving_layer.reading.read_once import read_once
from serving_layer.reading.snapshot import Snapshot

CANDIDATES = 2_000  # of one source: what comes later has no share in any list that is read
CANDIDATES_IN_CATEGORY = 20_000  # a category may be rare among the best
DEEP = 50  # a page that ends beyond it may need more items than the signals have among their first
REASONS_FIRST = "similar"  # people understand "because of these items" best where it comes from co-ratings
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Wish:
    """What is asked for: a page of the list, items never to list, and whether seen items may be listed.

    ``basket``: what the user holds or looks at now, beside the history. ``preferences``: categories, for a user without
    history; None: those that the user's record states. ``device``: for house rules that name one. ``tried``: the
    experiment that the user is in.
    """

    page: Page = field(default_factory=Page)
    exclude: Collection[bytes] = ()
    include_seen: bool = False
    basket: Basket = field(default_factory=Basket)
    preferences: Sequence[str] | None = None
    device: str = ""
    tried: Experiment | None = None


@dataclass(frozen=True)
class Sources:
    """What is asked for one answer; each source is asked when first needed.

    ``most``: candidates of a source with a fixed weight. ``deep``: those that no signal has among its first places are
    listed as well. ``seen_again``: what the user has seen may be listed. ``tried``: weights of an experiment, by
    source; a learned blend takes no part then.
    """

    snapshot: Snapshot
    question: Question
    models: Models
    most: int = CANDIDATES
    deep: bool = True
    seen_again: bool = False
    tried: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def weights(self) -> dict[str, float]:
        """The fixed weight of each source that has one: the experiment's, else its own."""
        weights = {name: self.tried.get(name, source.weight) for name, source in self.models.opened.items()}
        return {name: weight for name, weight in weights.items() if weight > 0}

    @read_once
    def candidates(self) -> dict[str, Candidates]:
        """What each recommender with a weight answers, by name."""
        return {name: self._ask(self.models.opened[name].scorer, self.most) for name in self.weights}

    def fixed(self, names: Collection[str], excluded: Ints, also: int = NOBODY) -> Blend:
        """Return the blend of those sources by fixed weights; a single one has all of the weight."""
        columns = {name: self.candidates[name].columns for name in names}
        weights = {name: self.weights[name] for name in names}
        return Blend(columns, weights, excluded, also, self._kernels)

    def blended(self, excluded: Ints, also: int = NOBODY, names: Collection[str] | None = None) -> Blend | LearnedBlend:
        """Return the ranking that serves: by fixed weights where no signal of a learned blend knows a candidate.

        Args: names: of the sources that have a fixed weight; None: all that are asked.
        """
        signals, weighed = self._signals, list(self.weights) if names is None else names
        columns = [] if signals is None else columns_of(self._answers(signals, len(excluded)))
        if signals is None or not any(len(column.codes) for column in columns):
            self._said.clear()  # such as of a new user, where all signals speak of a history
            return self.fixed(weighed, excluded, also)
        rest = self.fixed(weighed, excluded, also) if self.deep else None
        traits = partial(traits_of, self.question)
        return LearnedBlend(signals.learned, columns, self._context, excluded, also, self._kernels, rest, traits)

    @property
    def knots(self) -> Knots:
        """How the scores of ``blended`` go together with hits of this user."""
        if self._signals is None or not self._said:
            return self.models.calibration
        return self._signals.learned.knots_for(self._context)

    def reasons(self, codes: Sequence[int], names: Sequence[bytes]) -> list[list[tuple[int, float]]]:
        """Return the history items that speak for each item, strongest first, by the first source that names any."""
        out: list[list[tuple[int, float]]] = [[] for _ in codes]
        rest = list(range(len(codes)))
        for _, candidates in sorted(self._asked, key=lambda source: source[0] != REASONS_FIRST):
            if not rest:
                break
            for place, shares in zip(rest, candidates.all_reasons([codes[place] for place in rest]), strict=True):
                out[place] = sorted(shares.items(), key=lambda share: (-share[1], names[share[0]]))
            rest = [place for place in rest if not out[place]]
        return out

    @property
    def _signals(self) -> Signals | None:
        if self.tried:
            return None
        return self.models.again if self.seen_again else self.models.new

    def _answers(self, signals: Signals, excluded: int) -> list[Candidates]:
        answers = answers_of(self.snapshot, signals, self.question, PLACES + excluded)
        names = [signal.source for signal in signals.learned.signals]
        self._said[:] = list(zip(names, answers, strict=True))
        return answers

    def _ask(self, scorer: Scorer, most: int) -> Candidates:
        return candidates_of(self.snapshot, scorer, self.question, most)

    @cached_property
    def _said(self) -> list[tuple[str, Candidates]]:
        return []

    @property
    def _asked(self) -> list[tuple[str, Candidates]]:
        return self._said or list(self.candidates.items())

    @read_once
    def _context(self) -> Floats:
        touched, as_of = [entry.last_time for entry in self.question.history.entries], self.snapshot.facts.as_of
        hours = (as_of - max(touched)) / HOUR_MS if touched and as_of is not None else None
        return context(len(self.question.standing.codes), hours)

    @property
    def _kernels(self) -> Kernels:
        return self.snapshot.views.kernels


def sources_of(snapshot: Snapshot, question: Question, wish: Wish) -> Sources:
    """Return the sources of an answer; nobody waits for a model that says nothing of a user without history."""
    personal = bool(question.history.entries or len(question.standing.codes))
    tried = {} if wish.tried is None else wish.tried.weights
    page = wish.page
    picky = page.narrowed or bool(snapshot.views.house_rules())
    most = CANDIDATES_IN_CATEGORY if picky or not personal else CANDIDATES
    deep = picky or page.offset + page.given + page.n > DEEP
    models = models_of(snapshot) if personal else untrained(snapshot)
    return Sources(snapshot, question, models, most, deep, wish.include_seen, tried)


def tried_by(snapshot: Snapshot, user: bytes, include_seen: bool = False) -> Experiment | None:
    """Return the experiment that serves the user's list, with the weights that the list has by it.

    None where it wants another generation than the snapshot has, and where it changes nothing: a list that may have
    seen items keeps its own blend unless the weights name a source of such items.
    """
    tried = experiment_of(snapshot.views.experiments, user)
    if tried is None or (tried.generation and tried.generation != snapshot.generation):
        return None
    if include_seen and not any(source in tried.weights for source in SEEN_ONLY):
        return replace(tried, weights={}) if tried.generation else None
    return tried


def excluded_of(snapshot: Snapshot, wish: Wish, seen: Ints) -> Ints:
    """Return the codes of the items never to list; a name without a code is in no list."""
    named = np.array([code for name in wish.exclude if (code := snapshot.index.find(name)) != UNKNOWN], np.int64)
    return named if wish.include_seen else np.concatenate([named, seen])
