"""How good the rankings of a generation's data are: models of the part before a moment, judged on what came after.

The models that serve are trained on everything; these here are made for the question and thrown away. Beyond a size the
question is put to a sample of users with all their events, so its cost is bounded.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from batch_layer.train import AlsSettings, fit
from core.calibration import calibrated, outcomes
from core.rankers import Factors, as_served, blended, constant, factors, folded, neighbours, similarities
from core.ranking_quality import (
    FIT_SHARE,
    TRAIN_SHARE,
    Floats,
    Interactions,
    Judged,
    Scorer,
    judged,
    quality,
    votes,
)
from schemas.event import BUCKET_MS
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

POPULARITY, RECENT, ITEM_CF, ALS, BLEND = "popularity", "recent popularity", "item-CF", "ALS", "blend"
WINDOW_HOURS = (1, 6, 24, 72, 168, 336, 720, 2_160, 8_760, 17_520)  # of recent popularity; tuned on the validation part
FOREVER_MS = 10**15  # item-CF as it is measured elsewhere knows no window
SAMPLE_PARTS = 1_000_000
PROBES = 50  # items that drift looks at


@dataclass(frozen=True)
class Question:
    """What is judged: the fold's rules, the model's settings, how serving shrinks; at most ``users`` users."""

    rules: Rules
    als: AlsSettings
    shrinkage: float = 0.0
    users: int = 5_000


def sampled(events: "DataFrame", total: int, most: int) -> "DataFrame":
    """(user, item_id, weight, event_time, partition, offset) of about ``most`` of ``total`` events, by whole users."""
    from pyspark.sql import functions as F

    user = F.xxhash64("user_id")
    kept = events.where("weight <> 0").select(
        user.alias("user"), "item_id", "weight", "event_time", "partition", "offset"
    )
    part = int(SAMPLE_PARTS * min(1.0, most / max(total, 1)))
    return kept if part == SAMPLE_PARTS else kept.where(F.pmod(F.col("user"), F.lit(SAMPLE_PARTS)) < part)


def in_time_order(table: pa.Table) -> tuple[Interactions, list[bytes]]:
    """Columns as of ``sampled`` as interactions, with the items' names; those of one time stay in the log's order."""
    keys = [table.column(name).to_numpy() for name in ("offset", "partition", "event_time")]
    ordered = table.take(pa.array(np.lexsort(keys)))
    user = ordered.column("user").combine_chunks().dictionary_encode()
    item = ordered.column("item_id").combine_chunks().dictionary_encode()
    users, items = (np.asarray(each.indices).astype(np.int64) for each in (user, item))
    weight, time = (ordered.column(name).to_numpy() for name in ("weight", "event_time"))
    events = Interactions(users, items, weight, time, len(user.dictionary), len(item.dictionary))
    return events, item.dictionary.cast(pa.binary()).to_pylist()


def evaluate(events: Interactions, question: Question) -> dict[str, Any]:
    """Every model's quality on the last fifth of the events: ``models`` by name, and of which split.

    The first ten of ``blend`` are those that serving would have given at the cut.
    """
    train, test = events.split(TRAIN_SHARE)
    asked = judged(train, test, question.users)
    told: dict[str, Any] = {"events": len(events), "test_events": len(test), "unknown_items": round(asked.unknown, 4)}
    told |= {"cut": int(test.time[0]) if len(test) else None, "judged_users": len(asked.users), "models": {}}
    if not len(asked.users):
        return told
    hours = tuned_window(train)
    recent = _recent(train, hours, test)
    models = dict(_models(train, asked, recent, question))
    found = {name: quality(asked, scorer, recent).summary() for name, scorer in models.items()}
    knots = calibrated(*outcomes(asked, models[BLEND]))
    return told | {"recent_window_hours": hours, "models": found, "calibration": knots}


def _models(train: Interactions, asked: Judged, recent: Floats, question: Question) -> list[tuple[str, Scorer]]:
    fold = folded(train, question.rules)
    unwindowed = folded(train, replace(question.rules, window_ms=FOREVER_MS))
    model = fitted(train, question.als)
    return [
        (POPULARITY, constant(votes(train))),
        (RECENT, constant(recent)),
        (ITEM_CF, neighbours(unwindowed, similarities(unwindowed))),
        (ALS, factors(fold, model)),
        (BLEND, blended(as_served(train, fold, model, question.shrinkage), asked)),
    ]


def fitted(train: Interactions, als: AlsSettings) -> Factors:
    """Item factors of the training part, zeros for items that it lacks."""
    user, item, rating = train.standing()
    known, code = np.unique(item, return_inverse=True)
    if not len(known):
        return Factors(np.zeros((train.items, 1), np.float32), als.alpha, als.regularization)
    own = fit(user, code, rating, len(known), als)
    whole = np.zeros((train.items, own.shape[1]), np.float32)
    whole[known] = own
    return Factors(whole, als.alpha, als.regularization)


def tuned_window(train: Interactions) -> int:
    """The window of recent popularity, in hours, that ranks the validation part best.

    Longer ones than what there is to fit on are plain popularity and take no part.
    """
    first, validation = train.split(FIT_SHARE)
    asked = judged(first, validation, None)
    if not len(asked.users):
        return WINDOW_HOURS[0]
    span = int(first.time[-1] - first.time[0])
    choices = [hours for hours in WINDOW_HOURS if hours * BUCKET_MS <= span] or [WINDOW_HOURS[0]]
    nothing = np.zeros(train.items)

    def ndcg(hours: int) -> float:
        return float(quality(asked, constant(_recent(first, hours, validation)), nothing).ndcg.mean())

    return max(choices, key=ndcg)


def _recent(train: Interactions, hours: int, test: Interactions) -> Floats:
    return votes(train, hours * BUCKET_MS, int(test.time[0]))
