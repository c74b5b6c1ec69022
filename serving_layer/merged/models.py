"""The opened recommenders of one generation; never two generations in one answer."""

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from adapters.records.artefacts import blends_of, read_artefact
from adapters.records.books import BLEND, CALIBRATION, LEARNED, LEARNED_AGAIN, generation_book
from core.experiments.assignment import sources_of
from core.ranking.blend import Knots
from core.ranking.columns import NOBODY
from core.ranking.learned import Learned
from recommenders.artefact import Artefact
from recommenders.opened import Opened, learners, open_all
from recommenders.port import Candidates, Question, Scorer
from recommenders.signals import learners_of, open_signals
from serving_layer.memory.candidates import KeptCandidates
from serving_layer.merged.count_cache import once_a_catalogue
from serving_layer.reading.patience import reading, seconds_left
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import BATCH, MODEL, Views

BLEND_ROWS = [CALIBRATION, LEARNED, LEARNED_AGAIN]
SHARE_OF_PATIENCE = 0.75  # what an answer may wait for a model: the rest is for what else it reads there


@dataclass(frozen=True)
class Models:
    """What a generation answers with: its recommenders, opened, and how blended scores go together with hits.

    ``new``: its learned blend of lists without seen items, if it has one. ``again``: that of lists that may have them.
    """

    opened: dict[str, Opened]
    calibration: Knots = ()
    new: "Signals | None" = None
    again: "Signals | None" = None


@dataclass(frozen=True)
class Signals:
    """A learned blend with a scorer for each of its signals."""

    learned: Learned
    scorers: Sequence[Scorer]


@dataclass
class Loading:
    """The models of one generation on their way: loading begins when first asked for, and again after a failure."""

    generation: str | None
    untrained: Models | None = None
    _models: "Future[Models] | None" = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begun(self, views: Views) -> "Future[Models]":
        with self._lock:
            if self._models is None or (self._models.done() and self._models.exception()):
                self._models = Future()
                threading.Thread(target=self._load, args=(views, self._models), name="models", daemon=True).start()
            return self._models

    def loaded(self) -> Models | None:
        """Return the models if they are there."""
        models = self._models
        return models.result() if models is not None and models.done() and not models.exception() else None

    def read(self, views: Views, generation: str) -> Models:
        """Return the models of a generation, from its artefacts."""
        return _read(views, generation)

    def _load(self, views: Views, loading: "Future[Models]") -> None:
        assert self.generation is not None
        try:
            loading.set_result(self.read(views, self.generation))
        except BaseException as error:  # noqa: BLE001 - it is the waiting threads'
            loading.set_exception(error)


def models_of(snapshot: Snapshot) -> Models:
    """Return the models of the snapshot's generation, kept in memory while answers use that generation.

    A large model takes longer to load than an answer may wait: it is loaded beside the answers, which lack it until
    then.
    """
    there = None if snapshot.generation is None else loaded(snapshot, snapshot.memory.kept(Loading))
    return untrained(snapshot) if there is None else there


def loaded(snapshot: Snapshot, models: Loading) -> Models | None:
    """Return the models, once they are loaded; None, noted in the answer, where that takes too long for it."""
    if (there := models.loaded()) is not None:
        return there
    loading = models.begun(snapshot.views)
    patience = SHARE_OF_PATIENCE * seconds_left(BATCH, snapshot.views.patience_seconds)
    with reading(BATCH):
        try:
            return loading.result(patience)
        except TimeoutError:
            snapshot.course.lacking.append(MODEL)
            return None


def recommenders_of(snapshot: Snapshot) -> dict[str, Opened]:
    """Return the opened recommenders of ``models_of``."""
    return models_of(snapshot).opened


def untrained(snapshot: Snapshot) -> Models:
    """Return the models as they are without artefacts: nobody waits for them."""
    generation, views = snapshot.generation, snapshot.views
    if generation is None:
        return _opened({}, {}, views)
    kept = snapshot.memory.kept(Loading)
    if kept.untrained is None:
        kept.untrained = _opened({}, snapshot.of_generation(BLEND, BLEND_ROWS), views)
    return kept.untrained


def candidates_of(snapshot: Snapshot, scorer: Scorer, question: Question, most: int) -> Candidates:
    """Return the scorer's candidates: those in memory where they follow from the user's rows and the model alone."""
    if getattr(scorer, "of_user_alone", False) and question.also == NOBODY:
        return snapshot.memory.kept(KeptCandidates).of(scorer, question, most)
    return scorer.candidates(question, most)


def answers_of(snapshot: Snapshot, signals: Signals, question: Question, most: int) -> list[Candidates]:
    """Return what each signal answers. Those of sums alone are asked once for all answers of a commit."""
    if question.also != NOBODY:
        return [scorer.candidates(question, most) for scorer in signals.scorers]

    enough = 1 << (most - 1).bit_length()  # so that most users share one size

    def made() -> tuple[Signals, dict[int, Candidates]]:
        asked = [(k, scorer) for k, scorer in enumerate(signals.scorers) if getattr(scorer, "of_sums_alone", False)]
        return signals, {k: scorer.candidates(question, enough) for k, scorer in asked}

    # The signals are kept with the answers: their id stays their own.
    _, alike = once_a_catalogue(snapshot, ("signals", id(signals), enough), made)
    return [
        alike[k] if k in alike else candidates_of(snapshot, scorer, question, most)
        for k, scorer in enumerate(signals.scorers)
    ]


def _read(views: Views, generation: str) -> Models:
    rows = views.batch.read(generation_book(generation), BLEND, BLEND_ROWS)
    names = {*learners(views.recommenders, sources_of(views.experiments)), *learners_of(blends_of(rows).sources)}
    return _opened({name: read_artefact(views.batch, generation, name) for name in sorted(names)}, rows, views)


def _opened(artefacts: Mapping[str, Artefact | None], rows: Mapping[bytes, bytes], views: Views) -> Models:
    knots: Knots = json.loads(rows[CALIBRATION]) if CALIBRATION in rows else ()
    blends, opened = blends_of(rows), open_all(artefacts, views.recommenders, sources_of(views.experiments))
    by_name = {signal.name: signal for blend in blends.learned for signal in blend.signals}
    scorers = dict(zip(by_name, open_signals(list(by_name.values()), artefacts, views.recommenders), strict=True))

    def signals(blend: Learned | None) -> Signals | None:
        return None if blend is None else Signals(blend, [scorers[signal.name] for signal in blend.signals])

    return Models(opened, knots, signals(blends.of(False)), signals(blends.of(True)))
