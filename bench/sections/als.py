"""ALS by ``implicit`` and by Spark MLlib through the product's one function: seconds a sweep, and quality."""

from typing import TYPE_CHECKING

import numpy as np

from batch_layer.learning.past import LakePast, interactions
from bench.setting import seconds
from core.codes.item_index import ItemIndex
from core.rows.codec import History, HistoryEntry
from recommenders.als import RECOMMENDER, AlsSettings
from recommenders.als.scorer import AlsScorer

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

ENGINES = ("implicit", "spark")
JUDGED_USERS, LIST, LEAST_ITEMS = 2_000, 10, 5


def compared(events: "DataFrame", factors: int, sweeps: int, scratch: str) -> dict[str, object]:
    """Fit both on the same ratings, with one item of each user held out that the list of ten should name.

    A sweep's time is the difference between a fit of ``sweeps`` and one of half as many, so that reading, sorting and
    starting are not in it. Users are folded in from their other items, as serving does.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    last = Window.partitionBy("user_id").orderBy(F.crc32("item_id"), "item_id")
    size = Window.partitionBy("user_id")
    ranked = (
        interactions(events).withColumn("place", F.row_number().over(last)).withColumn("n", F.count("*").over(size))
    )
    held = (F.col("place") == 1) & (F.col("n") > LEAST_ITEMS)
    learnt = ranked.where(~held).select("user_id", "item_id", "rating").persist()
    hidden = ranked.where(held).select("user_id", "item_id").orderBy(F.crc32("user_id")).limit(JUDGED_USERS)
    known = learnt.join(hidden.select("user_id"), "user_id").toPandas()
    wanted: dict[str, str] = dict(hidden.toPandas().itertuples(index=False))
    histories = {str(user): _history(rows) for user, rows in known.groupby("user_id")}
    findings: dict[str, object] = {"ALS: ratings, factors": [learnt.count(), factors]}
    for name in ENGINES:
        models, took = list[AlsScorer](), list[float]()
        for many in (sweeps // 2, sweeps):
            settings = AlsSettings(factors=factors, iterations=many, engine=name)

            def fitted(settings: AlsSettings = settings, models: list[AlsScorer] = models) -> None:
                past = LakePast(learnt, scratch, lambda _: None)
                models.append(RECOMMENDER.open(RECOMMENDER.fit(past, settings, None), settings))

            took += seconds(fitted, 1)
        findings[f"ALS by {name}: s a sweep, s of {sweeps} sweeps in all"] = [
            round((took[1] - took[0]) / (sweeps - sweeps // 2), 2), round(took[1], 1),
        ]  # fmt: skip
        hits = _recall(models[-1], histories, wanted)
        findings[f"ALS by {name}: recall@{LIST} of the item held out, users"] = [
            round(float(np.mean(hits)), 4),
            len(hits),
        ]
    learnt.unpersist()
    return findings


def _history(rows: "pd.DataFrame") -> History:
    pairs = zip(rows["item_id"], rows["rating"], strict=True)
    return History(tuple(HistoryEntry(item.encode(), int(rating), 0) for item, rating in pairs))


def _recall(served: AlsScorer, histories: dict[str, History], wanted: dict[str, str]) -> list[float]:
    """Return for each user 1 if the ten best unseen items name the one held out, else 0."""
    hits, index = [], ItemIndex()
    aligned = index.aligned(served.items)
    for user, item in wanted.items():
        if user not in histories:
            continue
        seen = {entry.item for entry in histories[user].entries}
        rows = aligned.rows_of(index.codes(entry.item for entry in histories[user].entries))
        ratings = np.array([entry.rating for entry in histories[user].entries], np.int64)
        if (solved := served.fold_in(ratings, rows)) is not None:
            best, scores = served.best(solved.solution.vector, LIST + len(seen))
            falling = best[np.lexsort((best, -scores))].tolist()
            listed = [served.items[row] for row in falling if served.items[row] not in seen]
            hits.append(float(item.encode() in listed[:LIST]))
    return hits
