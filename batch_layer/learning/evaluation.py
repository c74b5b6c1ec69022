"""How good the rankings of a generation's data are: models of the part before a moment, judged on what came after.

The models that serve are trained on everything; those here exist for the evaluation only. Beyond a size it looks at a
sample of users with all their events, so its cost is bounded.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from adapters.terminal.progress import watched
from batch_layer.learning.asking import InteractionsPast as InteractionsPast
from batch_layer.learning.asking import Question as Question
from batch_layer.learning.labels import NO_RECORDS, Records, item_labels, item_pictures
from batch_layer.learning.references import recent_votes, references, tuned_window
from batch_layer.learning.served import blend_of, served
from batch_layer.learning.splits import NCF, Split, split
from batch_layer.learning.teaching import shown
from core.quality.calibration import calibrated, outcomes, recommended
from core.quality.intervals import difference
from core.quality.ranking_quality import Floats, Interactions, Ints, Mask, Quality, among_drawn, judged, quality
from core.quality.reliability import reliability, stated, stated_to
from core.ranking.blend import Knots
from recommenders import TABLE
from recommenders.opened import model_of
from recommenders.port import Pictured
from schemas.control import Offsets
from schemas.metrics import BLEND

DRAWN = 99  # items beside the one wanted, by the protocol of NCF
PROBES = 50  # items that drift looks at


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


def coded(
    ordered: pa.Table, records: Records = NO_RECORDS, pictured: Pictured | None = None
) -> tuple[Interactions, list[bytes]]:
    """Return the same for rows that are ``by_time`` already; ``records``: the catalogue's, by item."""
    user = ordered.column("user").combine_chunks().dictionary_encode()
    item = ordered.column("item_id").combine_chunks().dictionary_encode()
    users, items = (np.asarray(column.indices).astype(np.int64) for column in (user, item))
    weight, time = (ordered.column(name).to_numpy() for name in ("weight", "event_time"))
    names: list[bytes] = item.dictionary.cast(pa.binary()).to_pylist()
    labels = item_labels(ordered, items, names, records)
    own = [records.get(name) for name in names] if records else ()
    size = len(user.dictionary), len(names)
    return Interactions(users, items, weight, time, *size, labels, own, item_pictures(names, pictured)), names


def evaluate(events: Interactions, question: Question) -> dict[str, Any]:
    """Return the quality on the later part of the events: of ``models`` by name, and of the ``blend`` that serves.

    ``best_source``: the source with the greatest NDCG@10. ``differences``: the blend's minus each model's, user by
    user. ``without_list``: sources that listed nothing, whose figures say nothing of them, and why. ``missing`` says
    why nobody can be judged; there are no figures then. ``knots``: what the events teach of the confidence of fixed
    weights. Where all sources are judged, each says what it costs, too (``learning.costs``).
    """
    parts = split(events, question.protocol)
    asked = judged(parts.train, parts.test, question.users, seen_again=question.seen_again)
    if question.protocol == NCF:
        asked = among_drawn(asked, DRAWN)
    report: dict[str, Any] = {
        "protocol": question.protocol, "seen": question.seen, "events": len(events), "test_events": len(parts.test),
        "cut": int(parts.test.time[0]) if len(parts.test) and not parts.per_user else None,
        "unknown_items": round(asked.unknown, 4), "judged_users": len(asked.users), "models": {},
    }  # fmt: skip
    if not len(asked.users):
        return report | {"missing": missing(parts)}
    hours = tuned_window(parts, question.seen_again)
    recent = recent_votes(parts, hours)
    plain = dict(references(parts, question.rules, recent, question.seen_again))
    blend = blend_of(parts.taught(), question)
    serving = served(parts.train, asked, question, blend)
    own = {**serving.alone, BLEND: serving.blend}
    judging = watched("judging the models", [*plain, *own], len(plain) + len(own), every=1)
    qualities = {
        name: quality(asked, plain[name], recent) if name in plain else quality(asked, own[name]) for name in judging
    }
    report |= {"recent_window_hours": hours} | compared(qualities)
    coverage = {name: judgement.coverage for name, judgement in qualities.items()}
    report["without_list"] = without_list(coverage, serving.left_out)
    for name, row in [*report["models"].items(), (BLEND, report["blend"])]:
        row |= serving.costs.of(name)
    report |= {"learned": shown(blend)} if question.learns else {}
    report["knots"] = calibrated(*outcomes(asked, serving.fixed))
    if question.confidence and question.protocol != NCF:
        users, scores, hits = recommended(asked, serving.blend)
        if isinstance(blend, str):
            said = stated(knots_before(parts, question), scores)
        else:
            said = stated_to(serving.knots_of, users, scores)
        report["calibration"] = reliability(said, hits)
    return report


def compared(qualities: Mapping[str, Quality]) -> dict[str, Any]:
    """Return the parts of a report that say how good each model is, and the blend beside each."""
    ours, others = qualities[BLEND], {name: judgement for name, judgement in qualities.items() if name != BLEND}
    own = [name for name in others if name in TABLE]
    return {
        "models": {name: judgement.summary() for name, judgement in others.items()},
        "blend": ours.summary(),
        "best_source": max(own, key=lambda name: float(others[name].ndcg.mean()), default=None),
        "differences": {name: gaps(ours.by_name(), judgement.by_name()) for name, judgement in others.items()},
    }


def without_list(coverage: Mapping[str, float], left_out: Mapping[str, str]) -> dict[str, str | None]:
    """Return the sources that listed nothing for anybody, each with why it learned nothing; None: nobody knows.

    Args: coverage: of each ranking, 0 where nothing was listed.      left_out: reasons by recommender.
    """
    return {name: left_out.get(model_of(name)) for name, share in coverage.items() if name in TABLE and not share}


def gaps(ours: Mapping[str, Floats], theirs: Mapping[str, Floats], users: Ints | None = None) -> dict[str, Any]:
    """Return by how much ours are greater, by measure, with 95 % intervals.

    Args: users: whose each figure is; None: a user each.
    """
    report: dict[str, Any] = {}
    for measure, values in ours.items():
        report[measure], report[f"{measure} 95 %"] = difference(values, theirs[measure], users)
    return report


def knots_before(parts: Split, question: Question) -> Knots:
    """Return what the training part alone teaches of confidence: models of its first part, judged on its last."""
    inner = parts.inner()
    asked = judged(inner.train, inner.test, question.users, seen_again=question.seen_again)
    if not len(asked.users):
        return []
    own = served(inner.train, asked, replace(question, every_source=False))
    return calibrated(*outcomes(asked, own.fixed))


def missing(parts: Split) -> str:
    """Return a sentence that says why nobody can be judged."""
    train, test = parts.train, parts.test
    if not len(train) or not len(test):
        what = "all events are of one moment" if len(test) > 1 else f"there are {len(train) + len(test):,} events"
        return f"nothing to judge: {what}, and a split needs some before a moment and some after it"
    if len(np.unique(np.r_[train.item, test.item])) == 1:
        return "nothing to judge: every event is of the same item"
    known = np.isin(test.user, train.user)
    if not known.any():
        return "nothing to judge: no user of the later part has an event in the earlier part"
    if not np.isin(test.item[known], train.item).any():
        return "nothing to judge: in the later part, known users touch no item of the earlier part"
    return "nothing to judge: in the later part, known users touch only items that they had touched before"
