"""The steps of a run that train its model and judge it: train, evaluate, gate."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adapters.books import BLEND, CALIBRATION, generation_book
from adapters.opened import batch_views
from adapters.settings import Settings
from batch_layer.drift import drift, kept, ratios
from batch_layer.evaluation import PROBES, Question, evaluate, in_time_order, sampled
from batch_layer.gate import Limits, refusals
from batch_layer.past import LakePast, interactions, store, stored, summary
from batch_layer.sample_check import check, drawn, recomputed, users_events
from batch_layer.search import search
from core.ranking_quality import Interactions, votes
from recommenders import recommender
from recommenders.als.model import AlsSettings, reused, searched
from recommenders.opened import asked_for
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
    """

    settings: Settings
    say: Callable[[str], None]
    rules: Rules
    run: str
    metrics: Mapping[str, Any]
    events: "Callable[[], DataFrame]"
    lake: "Callable[[], DataFrame]"
    active: Generation | None

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
            for name in [name for name in asked_for(settings) if recommender(name).trained]:
                artefact = recommender(name).fit(past, settings[name], stored(views, active, name))
                found[name] = summary(artefact)
                if artefact is not None:
                    store(views, self.run, name, artefact)
        finally:
            past.close()
        return {"model": found.get("als", {}), "models": found}

    def _search(self, als: AlsSettings, candidates: int) -> AlsSettings:
        events, _ = self._sample(self.settings.evaluation_events or SEARCHED_EVENTS)
        views, active = batch_views(self.settings), self.active.id if self.active else None
        now = reused(als, stored(views, active, "als"))
        tried = search(events, self._question(now), candidates)
        best, ours = tried[0], next(each for each in tried if each.als.fitted == now.fitted)
        self.say(
            f"searched {len(tried)} ALS settings on the validation slice: NDCG@10 {best.ndcg:.4f} with regularization "
            f"{best.als.regularization:g}, alpha {best.als.alpha:g}; {ours.ndcg:.4f} with those of now"
        )
        return searched(als, best.als)

    def _question(self, als: AlsSettings) -> Question:
        return Question(self.rules, {**self.settings.recommender_settings, "als": als}, self.settings.shrinkage)

    def evaluate(self) -> dict[str, Any]:
        """How good rankings of these data are, and how far the views are from the active generation's."""
        if not self.settings.evaluation_events:
            return {"evaluation": {}}
        events, names = self._sample(self.settings.evaluation_events)
        learned = self.metrics.get("model", {}).get("settings", {})
        als = replace(self.settings.recommender_settings["als"], **learned)
        told = evaluate(events, self._question(als))
        by_model = ", ".join(f"{name} {found['ndcg@10']:.3f}" for name, found in told["models"].items())
        self.say(f"NDCG@10 on a time split, {told['judged_users']:,} users: {by_model or 'nobody to judge'}")
        popular = [names[code] for code in votes(events).argsort(kind="stable")[::-1][:PROBES].tolist()]
        told["popular"] = [name.decode() for name in popular[:POPULAR]]
        if told.get("calibration"):
            row = json.dumps(told["calibration"]).encode()
            batch_views(self.settings).put(generation_book(self.run), {(BLEND, CALIBRATION): row})
        return {"evaluation": told | {"drift": self._drift(popular)}}

    def _drift(self, popular: list[bytes]) -> dict[str, Any]:
        if self.active is None:
            return {}
        before = self.active.metrics
        then = before.get("evaluation", {}).get("popular", [])
        found = drift(batch_views(self.settings), self.active.id, self.run, popular)
        found["popular_kept"] = kept(then, [name.decode() for name in popular[:POPULAR]])
        found["sizes"] = ratios(before.get("rows", {}), self.metrics.get("rows", {}))
        return found

    def gate(self, same_rules: bool) -> list[str]:
        """Why it must not be activated; empty when it may."""
        mismatches: list[str] = []
        if self.settings.gate_items:
            lake = self.lake()
            items = drawn(lake, self.settings.gate_items, self.run)
            slow = recomputed(users_events(lake, items), self.rules)
            found = check(slow, items, batch_views(self.settings), self.run)
            mismatches = found.mismatches
            self.say(
                f"{found.compared:,} sums, histories and seen sets of {found.items} items and their users recomputed "
                f"from the lake, mismatches: {len(mismatches):,}"
            )
        limits = Limits(self.settings.gate_margin, self.settings.gate_users, self.settings.gate_shrink)
        return refusals(self.metrics, self.active.metrics if self.active else None, same_rules, mismatches, limits)

    def _sample(self, most: int) -> tuple[Interactions, list[bytes]]:
        total = self.metrics["events"]
        return in_time_order(sampled(self.events(), total, most).toArrow())
