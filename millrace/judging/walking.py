"""Walks through the later part of a log, event by event, and asks before each what would have been recommended."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from adapters.records.artefacts import blend_rows
from adapters.terminal.progress import Reached
from batch_layer.learning.asking import Question, all_on, in_process
from batch_layer.learning.costs import Costs
from batch_layer.learning.evaluation import knots_before
from batch_layer.learning.past import SmallPast
from batch_layer.learning.splits import split
from batch_layer.learning.teaching import NO_BLENDS, both_still_good, from_walk
from core.quality.ranking_quality import LIST, Floats, Interactions, Ints
from core.ranking.blend import Knots, confidence
from core.ranking.learned import Blends
from millrace.judging.catalogue import Rows
from millrace.judging.walk import Asked, Regime, retrains
from millrace.judging.walk_costs import answers_ms
from millrace.judging.world import World
from recommenders import recommender
from recommenders.artefact import Artefact
from recommenders.opened import learners
from recommenders.signals import learners_of
from schemas.event import REMOVE
from serving_layer.answers.recommend import Wish, lists_with_knots
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer

BLEND = ""  # as ``recommend.lists`` names it


@dataclass(frozen=True)
class Walked:
    """What was listed: ``ranks`` of the touched item by source, 0 where it was not among the first ten.

    ``listed``: how often each source recommended each item. ``said``, ``hits``: the stated confidence of the
    blend's recommendations to judged users, and what was true. ``candidates``: how many items occurred before the end.
    ``costs``: of each source, where all are judged.
    """

    ranks: dict[str, Ints]
    listed: dict[str, Counter[bytes]]
    said: Floats
    hits: Floats
    candidates: int
    generations: int
    costs: Costs = field(default_factory=Costs)


@dataclass
class Trainer:
    """Models and confidence of the first events; each moment's are learned once, for all regimes.

    ``seconds``: of processor time of each recommender's fits, in their order. ``left_out``: why recommenders learned
    nothing when they were last asked to, by name.
    """

    log: Interactions
    names: list[bytes]
    question: Question
    seconds: dict[str, list[float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    _models: dict[int, dict[str, Artefact | None]] = field(default_factory=dict)
    _blends: dict[int, Blends] = field(default_factory=dict)
    _knots: Knots | None = None

    def models(self, end: int, before: int | None) -> dict[str, Artefact | None]:
        """Return what a run over the first ``end`` events learns, with the models of an earlier one to begin with."""
        if end not in self._models:
            past = SmallPast(self.log.before(end), self.names, from_scratch=before is None, report=lambda _: None)
            self.left_out = past.left_out
            earlier = {} if before is None else self._models[before]
            settings = self.settings
            names = {*learners(settings), *learners_of(self.blends(end, before).sources)}
            self._models[end] = {
                name: self._fit(name, past, settings[name], earlier.get(name)) for name in sorted(names)
            }
        return self._models[end]

    def _fit(self, name: str, past: SmallPast, settings: Any, before: Artefact | None) -> Artefact | None:
        begun = time.process_time()
        artefact = recommender(name).fit(past, settings, before)
        self.seconds.setdefault(name, []).append(time.process_time() - begun)
        return artefact

    def blends(self, end: int, before: int | None) -> Blends:
        """Return the blends that a run over the first ``end`` events learns, or keeps from an earlier run."""
        if end not in self._blends:
            active, learns = NO_BLENDS if before is None else self._blends[before], self.question.learns
            if both_still_good(active, learns, end):
                self._blends[end] = active
            else:
                known = self.log.before(end)
                self._blends[end] = from_walk(known, self.names, self.question, active) if learns else NO_BLENDS
        return self._blends[end]

    def knots(self) -> Knots:
        """Return what the earlier part teaches of confidence."""
        if self._knots is None:
            self._knots = knots_before(split(self.log, self.question.protocol), self.question)
        return self._knots

    @property
    def settings(self) -> dict[str, Any]:
        """Those with which all judged sources are fitted and asked."""
        configured = in_process(self.question.settings)
        return all_on(configured) if self.question.every_source else configured


def walk(
    trainer: Trainer, log: pa.RecordBatch, ask: Asked, regime: Regime, reached: Reached, catalogue: Rows
) -> Walked:
    """Replay the later part in that regime; ``catalogue``: its packed records by item."""
    events, question = trainer.log, trainer.question
    world = World(log, question.rules, trainer.settings, question.shrinkage, catalogue)
    serving = [name for name, own in question.settings.items() if own.weight > 0]
    moments = list(retrains(events, ask.begin, regime.every_ms))
    answers, seen, taken, last = Answers(), Seen(events), 0, None
    knots: Knots = ()
    for number, (event, judged) in enumerate(zip(ask.event.tolist(), ask.judged.tolist(), strict=True)):
        reached(number)
        while taken < len(moments) and moments[taken][0] <= events.time[event]:
            end = _known(events, moments[taken][1], moments[taken][0], regime)
            if end != last:
                models, blends = trainer.models(end, last), trainer.blends(end, last)
                world.publish(end, models, blend_rows(blends))
                serves = blends.of(question.seen_again)
                knots = trainer.knots() if serves is None else ()
                last = end
            taken += 1
        if regime.live:
            world.advance(_known(events, event, int(events.time[event]), regime))
        exclude = () if question.seen_again else [trainer.names[code] for code in seen.before(event)]
        wish = Wish(Page(LIST), exclude, include_seen=question.seen_again)
        user = log.column("user_id")[event].as_py().encode()
        listed, own = answer(world.views, partial(lists_with_knots, user=user, wish=wish, blended=serving))
        answers.take(listed, trainer.names[events.item[event]], judged, own or knots)
    walked = answers.walked(len(np.unique(events.item)), taken)
    if not question.every_source or last is None:
        return walked
    users = [log.column("user_id")[event].as_py().encode() for event in ask.event[ask.judged].tolist()]
    blended = serving if (blend := trainer.blends(last, None).of(question.seen_again)) is None else blend.sources
    training = {name: float(np.mean(seconds)) for name, seconds in trainer.seconds.items()}
    return replace(walked, costs=Costs(training, answers_ms(world.views, users, question.seen_again), blended))


def _known(events: Interactions, end: int, time: int, regime: Regime) -> int:
    """Return how many events count for an answer at that moment, where the log has ``end`` before it."""
    if regime.late_ms is None:
        return end
    return min(end, int(np.searchsorted(events.time, time - regime.late_ms, "left")))


class Seen:
    """What each user has, event by event."""

    def __init__(self, events: Interactions) -> None:
        self._events, self._at = events, 0
        self._items: dict[int, set[int]] = {}

    def before(self, event: int) -> set[int]:
        """Return the items of the event's user before it."""
        columns = (self._events.user, self._events.item, self._events.weight)
        part = slice(self._at, event)
        for user, item, weight in zip(*(column[part].tolist() for column in columns), strict=True):
            items = self._items.setdefault(user, set())
            items.discard(item) if weight == REMOVE else items.add(item)
        self._at = event
        return self._items.get(int(self._events.user[event]), set())


@dataclass
class Answers:
    """What was answered so far."""

    ranks: dict[str, list[int]] = field(default_factory=dict)
    items: dict[str, Counter[bytes]] = field(default_factory=dict)
    said: list[float] = field(default_factory=list)
    hits: list[bool] = field(default_factory=list)

    def take(self, listed: dict[str, list[tuple[bytes, float]]], touched: bytes, judged: bool, knots: Knots) -> None:
        """Note one answer of all sources, before the user touched that item."""
        for name, rows in listed.items():
            names = [item for item, _ in rows]
            self.ranks.setdefault(name, []).append(names.index(touched) + 1 if touched in names else 0)
            self.items.setdefault(name, Counter()).update(names)
        if judged:
            self.said += [confidence(knots, score) for _, score in listed[BLEND]]
            self.hits += [item == touched for item, _ in listed[BLEND]]

    def walked(self, candidates: int, generations: int) -> Walked:
        ranks = {name: np.array(places, np.int64) for name, places in self.ranks.items()}
        return Walked(ranks, self.items, np.array(self.said), np.array(self.hits, np.float64), candidates, generations)
