"""How good the rankings of a generation's data are: models of the part before a moment, judged on what came after.

The models that serve are trained on everything; those here exist for the evaluation only. Beyond a size it looks at a
sample of users with all their events, so its cost is bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from adapters.terminal.progress import watched
from core.ranking.calibration import calibrated, outcomes
from core.ranking.ranking_quality import (
    FIT_SHARE,
    TRAIN_SHARE,
    Floats,
    Interactions,
    Judged,
    Mask,
    Scorer,
    constant,
    judged,
    quality,
    votes,
)
from recommenders.cohort import Cohort, folded, scored
from recommenders.opened import blended, fit_all, open_all
from recommenders.port import Size, Standing
from recommenders.similar import similarities, summed
from schemas.control import Offsets
from schemas.errors import MillraceError
from schemas.event import BUCKET_MS
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

POPULARITY, RECENT, ITEM_CF, ALS, BLEND = "popularity", "recent popularity", "item-CF", "ALS", "blend"
LEARNED = {"als": ALS}  # recommenders that are judged on their own, and what they are called
WINDOW_HOURS = (1, 6, 24, 72, 168, 336, 720, 2_160, 8_760, 17_520)  # of recent popularity; tuned on the validation part
FOREVER_MS = 10**15  # item-CF as it is measured elsewhere knows no window
PROBES = 50  # items that drift looks at


@dataclass(frozen=True)
class Question:
    """What is judged: the fold's rules, each recommender's settings, serving's shrinkage; at most ``users`` users."""

    rules: Rules
    settings: Mapping[str, Any]
    shrinkage: float = 0.0
    users: int = 5_000


@dataclass(frozen=True)
class InteractionsPast:
    """``recommenders.port.Past`` over interactions in memory; it reports nothing."""

    events: Interactions
    names: Sequence[bytes]
    seed: int = 42
    scratch: str = ""
    from_scratch: bool = True

    def say(self, line: str, /) -> None:
        """Report nothing: an evaluation reports figures, not how its models were fitted."""

    def size(self) -> Size:
        user, item, _ = self.events.standing()
        return Size(len(user), len(np.unique(user)), len(np.unique(item)))

    def standing(self) -> Standing:
        user, item, rating = self.events.standing()
        known, code = np.unique(item, return_inverse=True)
        return Standing([self.names[k] for k in known.tolist()], user, code, rating)

    def frame(self) -> "DataFrame":
        raise MillraceError("interactions in memory are no table of an engine: set engine to implicit or auto")


def by_time(table: pa.Table) -> pa.Table:
    """Return columns as of ``sample.SAMPLE`` in order of event time; those of one time stay in the log's order."""
    keys = [table.column(name).to_numpy() for name in ("offset", "partition", "event_time")]
    return table.take(pa.array(np.lexsort(keys)))


def below(table: pa.Table, boundary: Offsets) -> Mask:
    """Return for each row whether its offset lies below the boundary in its partition."""
    partition, offset = (table.column(name).to_numpy() for name in ("partition", "offset"))
    ends = np.zeros(max([0, *boundary, int(partition.max(initial=0))]) + 1, np.int64)
    ends[list(boundary)] = list(boundary.values())
    inside: Mask = offset < ends[partition]
    return inside


def in_time_order(table: pa.Table) -> tuple[Interactions, list[bytes]]:
    """Return columns as of ``sample.SAMPLE`` as interactions, with the items' names."""
    return coded(by_time(table))


def coded(ordered: pa.Table) -> tuple[Interactions, list[bytes]]:
    """Return the same for rows that are ``by_time`` already."""
    user = ordered.column("user").combine_chunks().dictionary_encode()
    item = ordered.column("item_id").combine_chunks().dictionary_encode()
    users, items = (np.asarray(column.indices).astype(np.int64) for column in (user, item))
    weight, time = (ordered.column(name).to_numpy() for name in ("weight", "event_time"))
    events = Interactions(users, items, weight, time, len(user.dictionary), len(item.dictionary))
    return events, item.dictionary.cast(pa.binary()).to_pylist()


def evaluate(events: Interactions, question: Question) -> dict[str, Any]:
    """Return every model's quality on the last fifth of the events: ``models`` by name, and of which split.

    The first ten of ``blend`` are those that serving would have given at the cut.
    """
    train, test = events.split(TRAIN_SHARE)
    asked = judged(train, test, question.users)
    report: dict[str, Any] = {"events": len(events), "test_events": len(test), "unknown_items": round(asked.unknown, 4)}
    report |= {"cut": int(test.time[0]) if len(test) else None, "judged_users": len(asked.users), "models": {}}
    if not len(asked.users):
        return report
    hours = tuned_window(train)
    recent = _recent(train, hours, test)
    models = dict(_models(train, asked, recent, question))
    judging = watched("judging the models", models.items(), len(models), every=1)
    qualities = {name: quality(asked, scorer, recent).summary() for name, scorer in judging}
    knots = calibrated(*outcomes(asked, models[BLEND]))
    return report | {"recent_window_hours": hours, "models": qualities, "calibration": knots}


def _models(train: Interactions, asked: Judged, recent: Floats, question: Question) -> list[tuple[str, Scorer]]:
    cohort = Cohort.of(train, question.rules, shrinkage=question.shrinkage)
    unwindowed = folded(train, replace(question.rules, window_ms=FOREVER_MS))
    near, settings = similarities(unwindowed), in_process(question.settings)
    opened = open_all(fit_all(InteractionsPast(train, cohort.names), settings), settings)
    trained = {LEARNED[name]: source.scorer for name, source in opened.items() if name in LEARNED}
    return [
        (POPULARITY, constant(votes(train))),
        (RECENT, constant(recent)),
        (ITEM_CF, lambda users: summed(unwindowed, near, users)),
        *((name, partial(scored, scorer, cohort)) for name, scorer in trained.items()),
        (BLEND, blended(opened, cohort, asked)),
    ]


def in_process(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with which models learn from interactions in memory."""
    return {**settings, "als": replace(settings["als"], engine="implicit")}


def tuned_window(train: Interactions) -> int:
    """Return the window of recent popularity, in hours, that ranks the validation part best.

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
