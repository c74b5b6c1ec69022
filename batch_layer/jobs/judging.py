"""The steps of a run that train its models and judge it: train, evaluate, gate."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from msgspec import convert, to_builtins

from adapters.engine.tasks import Engine, InProcess, Tasks
from adapters.lake.files import Stretch
from adapters.lake.tables import Lake
from adapters.log.item_log import item_records
from adapters.log.kafka_log import Log
from adapters.pictures.index import pictured
from adapters.records.artefacts import read_artefact, read_learned, write_artefact, write_learned
from adapters.records.books import BLEND, CALIBRATION, generation_book
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from batch_layer.gate.draw import Draw, count_events
from batch_layer.gate.drift import drift, kept, ratios
from batch_layer.gate.paired import by_recipe, paired, recipe
from batch_layer.gate.sample_check import check, recomputed
from batch_layer.gate.verdict import Case, Limits, Verdict, verdict
from batch_layer.learning.asking import Question
from batch_layer.learning.evaluation import PROBES, below, by_time, coded, evaluate
from batch_layer.learning.given import apart
from batch_layer.learning.labels import Records
from batch_layer.learning.past import LakePast, SmallPast, interactions, summary
from batch_layer.learning.sample import SAMPLE, TAUGHT, sampled
from batch_layer.learning.search import search
from batch_layer.learning.teaching import FIXED, both_shown, both_still_good, from_walk, left_out, sentence
from core.experiments.assignment import sources_of
from core.quality.ranking_quality import Interactions, Mask, votes
from core.ranking.learned import Blends
from recommenders import TABLE, recommender
from recommenders.als.model import AlsSettings, reused, searched
from recommenders.opened import asked_for, learners, of_catalogue, of_contents
from recommenders.port import Pictured
from recommenders.signals import learners_of
from schemas.control import Generation
from schemas.metrics import Evaluation, Measured
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

POPULAR = 20  # names that are kept to see how many stay
SEARCHED_EVENTS = 300_000  # at most, that a search is judged on, whether or not the generation is evaluated


def _learning(settings: dict[str, Any], blends: Blends, tried: Collection[str]) -> list[str]:
    """Return the recommenders that learn for the generation, in the order of the table; ``tried`` by experiments."""
    names = {*learners(settings, tried), *learners_of(blends.sources), *of_catalogue()}
    return [name for name in TABLE if name in names]


@dataclass
class Judging:
    """The judgement of one run; ``measured`` are the metrics of the steps so far.

    ``events``: the lake below its boundary; each step opens it itself. ``forgets``: how many marks of forgotten users
    the run puts into effect; ``unforgotten``: the lake with their events. ``log``: where the catalogue stands.
    """

    engine: Engine
    settings: Settings
    say: Callable[[str], None]
    rules: Rules
    run: str
    measured: Measured
    events: Callable[[], Stretch]
    active: Generation | None
    forgets: int
    unforgotten: Callable[[], Stretch]
    log: Log

    def train(self, full: bool, candidates: int = 0) -> dict[str, Any]:
        """Train the models on all events and write them; with ``candidates`` after a search among that many settings.

        Training begins with the active generation's factors and found settings; from scratch where the run is full.
        """
        views, settings = batch_views(self.settings), dict(self.settings.recommender_settings)
        active = self.active.id if self.active else None
        if candidates:
            settings["als"] = self._search(settings["als"], candidates)
        blends = self._blends(settings, full)
        past = self._past(full)
        models = {}
        try:
            for name in _learning(settings, blends, sources_of(self.settings.tried)):
                artefact = recommender(name).fit(past, settings[name], read_artefact(views, active, name))
                models[name] = summary(artefact)
                if artefact is not None:
                    write_artefact(views, self.run, name, artefact)
        finally:
            past.close()
        return {"model": models.get("als", {}), "models": models, "learned": both_shown(blends)}

    def _blends(self, settings: dict[str, Any], full: bool) -> Blends:
        """Learn how sources are blended, or keep what the active generation learned while the log has hardly grown."""
        learns = self.settings.blend_sources
        if not learns:
            return Blends(FIXED, FIXED)
        views, active = batch_views(self.settings), self.active.id if self.active else None
        before = read_learned(views, active)
        blends = before
        if full or not both_still_good(before, learns, self.measured.events):
            table, rows, names = self._rows(self.settings.evaluation.events or SEARCHED_EVENTS, TAUGHT)
            events, shown = apart(rows, table)
            question = replace(self._question(settings["als"]), learns=learns)
            self.say(f"learning to blend {len(learns)} sources from the newest part of {len(events):,} events")
            blends = from_walk(events, names, question, before, self.measured.events, shown)
            self.say(sentence(blends.new))
            self.say(f"where seen items may be listed: {sentence(blends.again)}")
            for line in left_out(blends):
                self.say(line)
        write_learned(views, self.run, blends)
        return blends

    def _past(self, full: bool) -> LakePast | SmallPast:
        """Return what the models learn from: in memory where the steps run in this process."""
        events, scratch = self.events(), f"{self.settings.lake_path}/als"
        place = self.engine.tasks(events.most)
        if not isinstance(place, InProcess):
            return LakePast(self._table(), scratch, self.say, full, self._records, self._pictured)
        rows, names = coded(sampled(place, events, 1, 1).sort_by("offset"))  # a user's events are in one partition
        return SmallPast(
            rows, names, scratch=scratch, from_scratch=full, report=self.say, table=self._table,
            described=self._records, seen=self._pictured,
        )  # fmt: skip

    def _records(self) -> Records:
        return item_records(self.log)

    def _pictured(self) -> Pictured | None:
        return pictured(self.settings.pictures_path)

    def _table(self) -> "DataFrame":
        lake = Lake(self.engine.spark, self.settings.lake_path)
        return interactions(lake.weighed(self.events()))

    def _search(self, als: AlsSettings, candidates: int) -> AlsSettings:
        events, *_ = self._sample(self.settings.evaluation.events or SEARCHED_EVENTS)
        views, active = batch_views(self.settings), self.active.id if self.active else None
        now = reused(als, read_artefact(views, active, "als"))
        tried = search(events, self._question(now), candidates)
        best, ours = tried[0], next(one for one in tried if one.als.fitted == now.fitted)
        self.say(
            f"searched {len(tried)} ALS settings on the validation slice: NDCG@10 {best.ndcg:.4f} with regularization "
            f"{best.als.regularization:g}, alpha {best.als.alpha:g}; {ours.ndcg:.4f} with the current ones"
        )
        return searched(als, best.als)

    def _question(self, als: AlsSettings) -> Question:
        settings, shrinkage = self.settings.recommender_settings, self.settings.reading.shrinkage
        return Question(self.rules, {**settings, "als": als}, shrinkage)

    def evaluate(self) -> dict[str, Any]:
        """Measure how good rankings of these data are, and how far the views are from the active generation's."""
        if not self.settings.evaluation.events:
            return {"evaluation": {}}
        events, names, known = self._sample(self.settings.evaluation.events)
        learned = self.measured.model.settings
        question = self._question(replace(self.settings.recommender_settings["als"], **learned))
        blend = read_learned(batch_views(self.settings), self.run).of(seen_again=False)
        question = replace(question, learns=() if blend is None else tuple(blend.sources))
        report = evaluate(events, question) | {"recipe": to_builtins(recipe(question))}
        figures, silent = convert(report, Evaluation).figures(), report.get("without_list", {})
        by_model = ", ".join(f"{name} {own.ndcg:.3f}" for name, own in figures.items() if name not in silent)
        self.say(f"NDCG@10 on a time split, {report['judged_users']:,} users: {by_model or 'nobody to judge'}")
        popular = [names[code] for code in votes(events).argsort(kind="stable")[::-1][:PROBES].tolist()]
        report["popular"] = [name.decode() for name in popular[:POPULAR]]
        if report.get("knots"):
            row = json.dumps(report["knots"]).encode()
            batch_views(self.settings).put(generation_book(self.run), {(BLEND, CALIBRATION): row})
        return {"evaluation": report | {"drift": self._drift(popular)} | self._paired(events, known, question)}

    def _paired(self, events: Interactions, known: Mask, question: Question) -> dict[str, Any]:
        """Compare with the active generation, if both mean the same by an event."""
        if self.active is None or self.active.fingerprint != self.rules.fingerprint():
            return {}
        before = by_recipe(question, self.active.measured.evaluation.recipe)
        comparison = paired(events, known, question, before)
        if comparison is None:
            return {}
        then = f"the active one's {comparison.active:.3f}"
        self.say(f"NDCG@10 on the active generation's held-out part: {comparison.new:.3f}, {then}")
        return {"paired": to_builtins(comparison.shown())}

    def _drift(self, popular: list[bytes]) -> dict[str, Any]:
        if self.active is None:
            return {}
        before = self.active.measured
        figures = drift(batch_views(self.settings), self.active.id, self.run, popular)
        figures["popular_kept"] = kept(before.evaluation.popular, [name.decode() for name in popular[:POPULAR]])
        figures["sizes"] = ratios(before.rows, self.measured.rows)
        return figures

    def gate(self, same_rules: bool) -> Verdict:
        """Return whether it may be activated."""
        events = self.events()
        place = self.engine.tasks(events.most)
        mismatches = self._mismatches(place, events) if self.settings.gate.items else []
        limits = Limits(self.settings.gate.margin, self.settings.gate.users, self.settings.gate.shrink)
        erased = 0
        if self.active and self.forgets:
            erased = count_events(place, self.unforgotten()) - count_events(place, events)
        case = Case(same_rules, mismatches, self.forgets, erased)
        return verdict(self.measured, self.active.measured if self.active else None, case, limits)

    def _mismatches(self, place: Tasks, events: Stretch) -> list[str]:
        """Return which rows of some items and their users differ from a slow recompute of the lake."""
        draw = Draw(place, events, self.run)
        items = draw.items(self.settings.gate.items)
        result = check(recomputed(draw.users_events(items), self.rules), items, batch_views(self.settings), self.run)
        self.say(
            f"{result.compared:,} sums, histories and seen sets of {result.items} items and their users recomputed "
            f"from the lake, mismatches: {len(result.mismatches):,}"
        )
        return result.mismatches

    def _sample(self, most: int) -> tuple[Interactions, list[bytes], Mask]:
        """Return events in order of time, the items' names, and which events the active generation holds."""
        table, events, names = self._rows(most, SAMPLE)
        return events, names, below(table, self.active.boundary.offsets if self.active else {})

    def _rows(self, most: int, columns: pa.Schema) -> tuple[pa.Table, Interactions, list[bytes]]:
        """Return the columns in order of time, the same events as interactions, and the items' names."""
        events = self.events()
        table = by_time(sampled(self.engine.tasks(events.most), events, self.measured.events, most, columns))
        asked = {*asked_for(self.settings.recommender_settings), *self.settings.blend_sources}
        contents = (self._records(), self._pictured()) if asked & {*of_contents()} else ()
        return table, *coded(table, *contents)
