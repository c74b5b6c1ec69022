"""Training on both engines over a real Spark session: equal quality, the same equations, warm starts, odd inputs."""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from batch_layer.learning.asking import InteractionsPast
from batch_layer.learning.past import LakePast, interactions
from core.quality.ranking_quality import Interactions, constant, judged, quality, votes
from recommenders.als import RECOMMENDER, AlsSettings
from recommenders.als.fold_in import fold_in
from recommenders.als.spark import numbered
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.neural.examples import Histories
from recommenders.past import Standing
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark]

ALS = AlsSettings(factors=12, iterations=10, regularization=5.0, alpha=30.0)  # the median rating of `clusters` is 3
Rows = list[tuple[str, str, int]]


def clusters(seed: int = 3, users: int = 500, items: int = 120, groups: int = 8, per_user: int = 14) -> Interactions:
    """Users who mostly stay in their group of items, the popular ones of it more often; one event a minute."""
    rng = np.random.default_rng(seed)
    user = rng.permuted(np.repeat(np.arange(users), per_user))
    within = np.minimum(rng.geometric(0.15, len(user)) - 1, items // groups - 1)
    group = np.where(rng.random(len(user)) < 0.8, user % groups, rng.integers(0, groups, len(user)))
    item = (group * (items // groups) + within).astype(np.int64)
    weight = rng.choice([1000, 1000, 3000, 5000], len(user))
    return Interactions(user, item, weight, np.arange(len(user)) * 60_000, users, items)


def frame(spark: "SparkSession", rows: Rows) -> "DataFrame":
    return spark.createDataFrame(rows or [("u", "i", 1)], "user_id string, item_id string, rating bigint").limit(
        len(rows)
    )


def rows_of(events: Interactions) -> Rows:
    return [(f"u{u}", f"i{i:04d}", int(r)) for u, i, r in zip(*events.standing(), strict=True)]


def in_order(standing: Standing) -> list[list[bytes]]:
    """Each user's items in the order in which they were last touched; a lake's users come in any order."""
    histories = Histories.of(standing)
    names = [standing.items[code] for code in histories.item.tolist()]
    return sorted(names[a:b] for a, b in pairwise(histories.starts.tolist()))


def scratch(spark: "SparkSession") -> str:
    return f"{spark.conf.get('spark.local.dir')}/als"


def fit(
    spark: "SparkSession", rows: Rows, als: AlsSettings, start: Artefact | None = None, said: list[str] | None = None
) -> Artefact | None:
    past = LakePast(frame(spark, rows), scratch(spark), ([] if said is None else said).append)
    try:
        return RECOMMENDER.fit(past, als, start)
    finally:
        past.close()


def trained(
    spark: "SparkSession", rows: Rows, engine: str, start: Artefact | None = None, als: AlsSettings = ALS
) -> Artefact:
    model = fit(spark, rows, replace(als, engine=engine), start)
    assert model is not None
    return model


def test_the_lake_stands_as_interactions_in_memory_do(spark: "SparkSession") -> None:
    rng, n = np.random.default_rng(4), 400
    user, item, weight = rng.integers(0, 9, n), rng.integers(0, 7, n), rng.choice([-1, 0, 1000, 2500, 5000], n)
    rows = [(f"u{u}", f"i{i:04d}", int(w), k) for k, (u, i, w) in enumerate(zip(user, item, weight, strict=True))]
    lake = spark.createDataFrame(rows, "user_id string, item_id string, weight bigint, offset bigint")
    weighty = weight != 0
    events = Interactions(user[weighty], item[weighty], weight[weighty], np.flatnonzero(weighty), 9, 7)
    standing = sorted(map(tuple, interactions(lake).collect()))
    assert [row[:3] for row in standing] == rows_of(events)
    past = LakePast(interactions(lake), scratch(spark), lambda _: None)
    assert in_order(past.standing()) == in_order(InteractionsPast(events, [b"i%04d" % k for k in range(7)]).standing())
    past.close()


def test_both_engines_are_equally_good_on_a_time_split(spark: "SparkSession") -> None:
    events = clusters()
    train_part, rest = events.split(0.8)
    names = [b"i%04d" % code for code in range(events.items)]
    asked, cohort = judged(train_part, rest, None), Cohort.of(train_part, Rules(), names)
    nobody, ndcg = np.zeros(events.items), {}
    for engine in ("implicit", "spark"):
        scorer = RECOMMENDER.open(trained(spark, rows_of(train_part), engine), ALS)
        ndcg[engine] = quality(asked, partial(scorer.scores, cohort), nobody).ndcg
    difference = ndcg["implicit"] - ndcg["spark"]  # user by user: much surer than two means apart
    noise = 2 * difference.std() / np.sqrt(len(difference))
    assert abs(difference.mean()) <= max(noise, 0.005)
    popular = quality(asked, constant(votes(train_part)), nobody).ndcg
    assert min(per_user.mean() for per_user in ndcg.values()) > 1.5 * popular.mean()
    assert list(Path(scratch(spark)).iterdir()) == []


def test_sparks_users_are_those_of_the_fold_in_with_a_weighted_regularization(spark: "SparkSession") -> None:
    from pyspark.ml import recommendation

    rows = rows_of(clusters(users=60, per_user=9))
    coded = numbered(frame(spark, rows))[0].persist()
    fitted = recommendation.ALS(rank=6, maxIter=4, implicitPrefs=True, alpha=10.0, regParam=0.3, seed=1).fit(coded)
    y = np.zeros((len({item for _, item, _ in rows}), 6), np.float32)
    for row in fitted.itemFactors.collect():
        y[row["id"]] = row["features"]
    gram = (y.astype(np.float64).T @ y).astype(np.float32)
    theirs = {row["id"]: row["features"] for row in fitted.userFactors.collect()}
    assert sorted(theirs) == list(range(60))
    given = coded.toPandas()
    for user, own in given.groupby("user"):
        solved = fold_in(y, gram, own["item"].to_numpy(), 1 + 10.0 * own["rating"].to_numpy(), 0.3 * len(own))
        np.testing.assert_allclose(solved.vector, theirs[user], rtol=1e-2, atol=1e-4)
    coded.unpersist()


def test_a_warm_start_continues_from_the_items_it_knows(spark: "SparkSession") -> None:
    rows = rows_of(clusters())
    first = trained(spark, rows, "implicit")
    new = [*rows, ("u0", "new", 1000), ("u1", "new", 1000)]
    warm, cold = (
        trained(spark, new, "implicit", first),
        trained(spark, new, "implicit", als=AlsSettings(12, 10, 5.0, 30.0, 9)),
    )
    assert (warm.facts["warm"], cold.facts["warm"]) == (True, False)
    assert warm.items == [*first.items, b"new"]
    assert np.abs(warm.arrays["factors"][-1]).max() > 0

    def moved(model: Artefact) -> float:
        y, before = model.arrays["factors"][:-1], first.arrays["factors"]
        return float(np.linalg.norm(y - before) / np.linalg.norm(before))

    assert moved(warm) < 0.1 < moved(cold)


ODD: dict[str, Rows] = {
    "one pair": [("u", "i", 1000)],
    "one user": [("u", f"i{k}", 1000) for k in range(5)],
    "one item": [(f"u{k}", "i", 1000) for k in range(5)],
    "all the same": [(f"u{u}", f"i{i}", 2000) for u in range(6) for i in range(6)],
    "fewer items than factors": [(f"u{u}", f"i{(u + k) % 4}", 1000 + k) for u in range(9) for k in range(2)],
    "any names": [(f"u{u}", item, 1000) for u in range(9) for item in ("é", "z", "B", "a/b", "ї", "i " * 99)],
    "huge and tiny ratings": [(f"u{u}", f"i{(u + k) % 4}", 1 + 10**9 * k) for u in range(9) for k in range(2)],
}


FEW = ("one pair", "any names")  # each fit on Spark takes seconds


@pytest.mark.parametrize(
    ("engine", "names"),
    [
        ("implicit", tuple(ODD)),
        ("spark", FEW),
        pytest.param("spark", tuple(name for name in ODD if name not in FEW), marks=pytest.mark.deep),
    ],
    ids=["implicit", "spark-few", "spark-others"],
)
def test_odd_inputs_make_a_finite_model_and_nothing_makes_none(
    spark: "SparkSession", engine: str, names: tuple[str, ...]
) -> None:
    for name in names:
        rows = ODD[name]
        model = trained(spark, rows, engine, als=replace(ALS, iterations=1))
        assert model.items == sorted({item.encode() for _, item, _ in rows}), name
        assert np.isfinite(model.arrays["factors"]).all(), name
        assert np.abs(model.arrays["factors"]).max() > 0, name
    assert fit(spark, [], replace(ALS, engine=engine)) is None


def test_the_order_of_the_ratings_does_not_matter(spark: "SparkSession") -> None:
    rows = rows_of(clusters(users=60, per_user=9))
    forward, backward = trained(spark, rows, "implicit"), trained(spark, rows[::-1], "implicit")
    np.testing.assert_allclose(forward.arrays["factors"], backward.arrays["factors"], rtol=1e-4, atol=1e-5)


def test_what_was_chosen_is_said(spark: "SparkSession") -> None:
    said: list[str] = []
    for memory in (1 << 30, 1000):
        fit(spark, ODD["all the same"], replace(ALS, memory=memory), said=said)
    trained = "trained ALS with implicit (auto: 0 MiB of 1,024 for implicit)"
    assert said[0].startswith(f"{trained}, begun from scratch: 36 ratings")
    assert said[1].startswith("trained ALS with spark (auto: 0 MiB of 0 for implicit)")
