"""The steps of a run that train its model and judge it: train, evaluate, gate."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adapters.books import generation_book
from adapters.opened import batch_views
from adapters.settings import Settings
from adapters.units import memory_bytes
from batch_layer.drift import drift, kept, ratios
from batch_layer.evaluation import PROBES, Question, evaluate, in_time_order, sampled
from batch_layer.gate import Limits, refusals
from batch_layer.jobs.training import Training, train
from batch_layer.sample_check import check, drawn, recomputed, users_events
from batch_layer.search import search
from batch_layer.train import (
    CALIBRATION,
    MODEL,
    AlsSettings,
    Engine,
    als_settings,
    interactions,
    model_rows,
    reused,
    stored_model,
)
from core.ranking_quality import Interactions, votes
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
        """Train the model on all events and write it; with ``candidates`` after a search among so many settings.

        Begun from the active generation's factors and found settings; anew where the run is full.
        """
        views = batch_views(self.settings)
        previous = stored_model(views, self.active.id if self.active else None)
        als, asked = reused(als_settings(self.settings), previous)
        if candidates:
            als, asked = self._search(als, candidates), als_settings(self.settings)
        engine = Engine(self.settings.als_engine, memory_bytes(self.settings.als_memory))
        how = Training(als, engine, f"{self.settings.lake_path}/als", None if full else previous, asked)
        model = train(interactions(self.events()), how, self.say)
        if model is None:
            return {"model": {}}
        if asked:
            self.say(f"with settings that a search found: regularization {als.regularization:g}, alpha {als.alpha:g}")
        book = generation_book(self.run)
        views.delete(book, MODEL)  # of a try that died
        for key, value in model_rows(model):
            views.put(book, {(MODEL, key): value})
        sizes = {"items": len(model.items), "factors": model.factors.shape[1]}
        return {"model": {**sizes, "engine": model.engine, "warm": model.warm, "settings": asdict(als)}}

    def _search(self, als: AlsSettings, candidates: int) -> AlsSettings:
        events, _ = self._sample(self.settings.evaluation_events or SEARCHED_EVENTS)
        tried = search(events, Question(self.rules, als, self.settings.shrinkage), candidates)
        best, now = tried[0], next(each for each in tried if each.als == als)
        self.say(
            f"searched {len(tried)} ALS settings on the validation slice: NDCG@10 {best.ndcg:.4f} with regularization "
            f"{best.als.regularization:g}, alpha {best.als.alpha:g}; {now.ndcg:.4f} with those of now"
        )
        return best.als

    def evaluate(self) -> dict[str, Any]:
        """How good rankings of these data are, and how far the views are from the active generation's."""
        if not self.settings.evaluation_events:
            return {"evaluation": {}}
        events, names = self._sample(self.settings.evaluation_events)
        settings = self.metrics.get("model", {}).get("settings")
        als = AlsSettings(**settings) if settings else als_settings(self.settings)
        told = evaluate(events, Question(self.rules, als, self.settings.shrinkage))
        by_model = ", ".join(f"{name} {found['ndcg@10']:.3f}" for name, found in told["models"].items())
        self.say(f"NDCG@10 on a time split, {told['judged_users']:,} users: {by_model or 'nobody to judge'}")
        popular = [names[code] for code in votes(events).argsort(kind="stable")[::-1][:PROBES].tolist()]
        told["popular"] = [name.decode() for name in popular[:POPULAR]]
        if told.get("calibration"):
            row = json.dumps(told["calibration"]).encode()
            batch_views(self.settings).put(generation_book(self.run), {(MODEL, CALIBRATION): row})
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
