"""What a walk found, as a report: figures of each source and the blend, by how much was known, and of confidence."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from batch_layer.learning.evaluation import gaps, without_list
from core.quality.intervals import interval
from core.quality.ranking_quality import LIST, Floats, Interactions, Ints, Mask, surprise
from core.quality.reliability import reliability
from millrace.judging.walk import Asked, Regime
from millrace.judging.walking import BLEND, Trainer, Walked
from schemas import metrics

BANDS = (0, 1, 2, 3, 5, 20)  # events known of a user or an item: each band ends before the next begins
JUDGED_BY = "hr@10"


def heading(events: Interactions, ask: Asked, seen: str) -> dict[str, Any]:
    """Return what is asked, whatever the regime."""
    users = events.user[ask.event[ask.judged]]
    return {
        "protocol": "walk", "seen": seen, "events": len(events), "test_events": len(events) - ask.begin,
        "cut": int(events.time[ask.begin]) if ask.begin < len(events) else None,
        "asked": int(ask.judged.sum()), "judged_users": len(np.unique(users)), "models": {},
    }  # fmt: skip


def missing(events: Interactions, ask: Asked) -> str | None:
    """Return a sentence that says why nothing can be asked; None where something can."""
    if not len(events) or ask.begin == 0 or ask.begin == len(events):
        what = "all events are of one moment" if len(events) > 1 else f"there are {len(events):,} events"
        return f"nothing to judge: {what}, and a walk needs some before a moment and some after it"
    if len(np.unique(events.item)) == 1:
        return "nothing to judge: every event is of the same item"
    if not ask.judged.any():
        return "nothing to judge: in the later part, no user with an earlier event touches something new"
    return None


def report(trainer: Trainer, ask: Asked, regime: Regime, walked: Walked) -> dict[str, Any]:
    """Return the figures of one regime; intervals resample users with all that is asked about them."""
    users = trainer.log.user[ask.event[ask.judged]]
    known = dict(zip(trainer.names, surprise(trainer.log.before(ask.begin)).tolist(), strict=True))
    by_name = {name: _measures(ranks[ask.judged]) for name, ranks in walked.ranks.items()}
    ours, others = by_name.pop(BLEND), by_name
    lists = {name: _lists(listed, walked, known) for name, listed in walked.listed.items()}
    best = max(others, key=lambda name: float(others[name][JUDGED_BY].mean()), default=None)
    return {
        "every_seconds": None if regime.every_ms is None else regime.every_ms / 1000,
        "late_seconds": None if regime.late_ms is None else regime.late_ms / 1000,
        "generations": walked.generations,
        "models": {
            name: _summary(figures, users) | lists[name] | walked.costs.of(name) for name, figures in others.items()
        },
        "blend": _summary(ours, users) | lists[BLEND] | walked.costs.of(metrics.BLEND),
        "best_source": best,
        "without_list": without_list({name: lists[name]["coverage"] for name in others}, trainer.left_out),
        "differences": {name: gaps(ours, figures, users) for name, figures in others.items()},
        "calibration": reliability(walked.said, walked.hits),
        "users_by_known_events": _bands(walked.ranks[BLEND], ask.user_events),
        "items_by_known_events": _bands(walked.ranks[BLEND][ask.judged], ask.item_events[ask.judged]),
    }


def _measures(ranks: Ints) -> dict[str, Floats]:
    """Return each measure of one touched item: NDCG has one relevant item, and recall is whether it was hit.

    Precision divides by ten, so it is a tenth of that.
    """
    hit = ranks > 0
    place = np.where(hit, ranks, 1)
    hits = hit.astype(np.float64)
    return {
        JUDGED_BY: hits, "mrr@10": hits / place, "ndcg@10": hits / np.log2(place + 1), "recall@10": hits,
        "precision@10": hits / LIST,
    }  # fmt: skip


def _lists(listed: Counter[bytes], walked: Walked, known: Mapping[bytes, float]) -> dict[str, float]:
    """Return what all lists of a source hold: the share of the items, and the mean surprise when the walk began."""
    rarest = max(known.values(), default=0.0)  # of an item without any event, as of one with a single user
    novelty = sum(known.get(item, rarest) * times for item, times in listed.items()) / max(1, listed.total())
    return {"coverage": round(len(listed) / max(1, walked.candidates), 4), "novelty": round(novelty, 3)}


def _summary(measures: Mapping[str, Floats], users: Ints) -> dict[str, Any]:
    summary: dict[str, Any] = {"users": len(np.unique(users)), "events": len(users)}
    for name, values in measures.items():
        summary[name], summary[f"{name} 95 %"] = round(float(values.mean()), 4), interval(values, users)
    return summary


def _bands(ranks: Ints, known: Ints) -> dict[str, Any]:
    """Return hits of the blend by how many events were known."""
    bands: dict[str, Any] = {}
    for low, high in zip(BANDS, [*BANDS[1:], None], strict=True):
        inside: Mask = (known >= low) & (known < high if high is not None else True)
        name = f"{low}+" if high is None else str(low) if high == low + 1 else f"{low}-{high - 1}"
        if inside.any():
            bands[name] = {"events": int(inside.sum()), JUDGED_BY: round(float((ranks[inside] > 0).mean()), 4)}
    return bands
