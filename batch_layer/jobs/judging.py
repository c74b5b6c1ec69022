"""The steps of a run that train its model and judge it: train, evaluate, gate."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adapters.records.artefacts import read_artefact, write_artefact
from adapters.records.books import BLEND, CALIBRATION, generation_book
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from batch_layer.gate.drift import drift, kept, ratios
from batch_layer.gate.paired import by_recipe, paired, recipe
from batch_layer.gate.sample_check import check, drawn, recomputed, users_events
from batch_layer.gate.verdict import Case, Limits, Verdict, verdict
from batch_layer.learning.evaluation import PROBES, Question, below, by_time, coded, evaluate, sampled
from batch_layer.learning.past import LakePast, interactions, summary
from batch_layer.learning.search import search
from core.ranking.ranking_quality import Interactions, Mask, votes
from recommenders import recommender
from recommenders.als.model import AlsSettings, reused, searched
from recommenders.opened import learners
from schemas.control import Generation
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

POPULAR = 20  # names that are kept to see how many stay
SEARCHED_EVENTS = 300_000  # a search is put to no more, evaluated or not


@dataclass
class Judging:
    """Of one run: ``events`` weighed, ``lake`` as it is, both below its boundary and looked up by the step that reads
    them; ``metrics`` as far as it has come.

    ``forgets``: how many marks of forgotten users it puts into effect; ``unforgotten``: the lake with their events.
    """

    settings: Settings
    say: Callable[[str], None]
    rules: Rules
    run: str
    metrics: Mapping[str, Any]
    events: "Callable[[], DataFrame]"
    lake: "Callable[[], DataFrame]"
    active: Generation | None
    forgets: int
    unforgotten: "Callable[[], DataFrame]"

    def train(self, full: bool, candidates: int = 0) -> dict[str, Any]:
        """Train the models on all events and write them; with ``candidates`` after a search among so many settings.

        Begun from the active generation's factors and found settings; from scratch where the run is full.
        """
        views, settings = batch_views(self.settings), dict(self.settings.recommender_settings)
        active = self.active.id if self.active else None
        if candidates:
            settings["als"] = self._search(settings["als"], candidates)
        past = LakePast(interactions(self.events()), f"{self.settings.lake_path}/als", self.say, full)
        found = {}
        try:
            for name in learners(settings):
                artefact = recommender(name).fit(past, settings[name], read_artefact(views, active, name))
                found[name] = summary(artefact)
                if artefact is not None:
                    write_artefact(views, self.run, name, artefact)
        finally:
            past.close()
        return {"model": found.get("als", {}), "models": found}

    def _search(self, als: AlsSettings, candidates: int) -> AlsSettings:
        events, *_ = self._sample(self.settings.evaluation.events or SEARCHED_EVENTS)
        views, active = batch_views(self.settings), self.active.id if self.active else None
        now = reused(als, read_artefact(views, active, "als"))
        tried = search(events, self._question(now), candidates)
        best, ours = tried[0], next(each for each in tried if each.als.fitted == now.fitted)
        self.say(
            f"searched {len(tried)} ALS settings on the validation slice: NDCG@10 {best.ndcg:.4f} with regularization "
            f"{best.als.regularization:g}, alpha {best.als.alpha:g}; {ours.ndcg:.4f} with those of now"
        )
        return searched(als, best.als)

    def _question(self, als: AlsSettings) -> Question:
        return Question(self.rules, {**self.settings.recommender_settings, "als": als}, self.settings.reading.shrinkage)

    def evaluate(self) -> dict[str, Any]:
        """How good rankings of these data are, and how far the views are from the active generation's."""
        if not self.settings.evaluation.events:
            return {"evaluation": {}}
        events, names, known = self._sample(self.settings.evaluation.events)
        learned = self.metrics.get("model", {}).get("settings", {})
        question = self._question(replace(self.settings.recommender_settings["als"], **learned))
        told = evaluate(events, question) | {"recipe": recipe(question)}
        by_model = ", ".join(f"{name} {found['ndcg@10']:.3f}" for name, found in told["models"].items())
        self.say(f"NDCG@10 on a time split, {told['judged_users']:,} users: {by_model or 'nobody to judge'}")
        popular = [names[code] for code in votes(events).argsort(kind="stable")[::-1][:PROBES].tolist()]
        told["popular"] = [name.decode() for name in popular[:POPULAR]]
        if told.get("calibration"):
            row = json.dumps(told["calibration"]).encode()
            batch_views(self.settings).put(generation_book(self.run), {(BLEND, CALIBRATION): row})
        return {"evaluation": told | {"drift": self._drift(popular)} | self._paired(events, known, question)}

    def _paired(self, events: Interactions, known: Mask, question: Question) -> dict[str, Any]:
        """Against the active generation, where both mean the same by an event."""
        if self.active is None or self.active.fingerprint != self.rules.fingerprint():
            return {}
        before = by_recipe(question, self.active.metrics.get("evaluation", {}).get("recipe"))
        found = paired(events, known, question, before)
        if found is None:
            return {}
        then = f"the active one's {found.active:.3f}"
        self.say(f"NDCG@10 on the active generation's held-out part: {found.new:.3f}, {then}")
        return {"paired": found.shown()}

    def _drift(self, popular: list[bytes]) -> dict[str, Any]:
        if self.active is None:
            return {}
        before = self.active.metrics
        then = before.get("evaluation", {}).get("popular", [])
        found = drift(batch_views(self.settings), self.active.id, self.run, popular)
        found["popular_kept"] = kept(then, [name.decode() for name in popular[:POPULAR]])
        found["sizes"] = ratios(before.get("rows", {}), self.metrics.get("rows", {}))
        return found

    def gate(self, same_rules: bool) -> Verdict:
        """Whether it may be activated."""
        mismatches: list[str] = []
        if self.settings.gate.items:
            lake = self.lake()
            items = drawn(lake, self.settings.gate.items, self.run)
            slow = recomputed(users_events(lake, items), self.rules)
            found = check(slow, items, batch_views(self.settings), self.run)
            mismatches = found.mismatches
            self.say(
                f"{found.compared:,} sums, histories and seen sets of {found.items} items and their users recomputed "
                f"from the lake, mismatches: {len(mismatches):,}"
            )
        limits = Limits(self.settings.gate.margin, self.settings.gate.users, self.settings.gate.shrink)
        erased = self.unforgotten().count() - self.lake().count() if self.active and self.forgets else 0
        case = Case(same_rules, mismatches, self.forgets, erased)
        return verdict(self.metrics, self.active.metrics if self.active else None, case, limits)

    def _sample(self, most: int) -> tuple[Interactions, list[bytes], Mask]:
        """Events in order of time, the items' names, and which of the events the active generation holds."""
        table = by_time(sampled(self.events(), self.metrics["events"], most).toArrow())
        return *coded(table), below(table, self.active.boundary.offsets if self.active else {})
