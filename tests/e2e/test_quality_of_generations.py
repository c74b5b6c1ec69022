"""Generations trained, evaluated and gated for real: found settings and factors go on, what is wrong does not serve."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.records.books import generation_book
from adapters.stores.opened import batch_views
from batch_layer.gate.verdict import Refused
from batch_layer.jobs.generation import BatchJob
from batch_layer.runs.lifecycle import Runs, Wish
from core.control.runs import STEPS
from core.rows.codec import pack_norm, unpack_norm
from core.rows.views import NORMS
from datasets.synthetic.generator import GeneratorSettings
from millrace.judging.events import in_lake
from recommenders.als.scorer import AlsScorer
from serving_layer.answers.recommend import Wish as Recommendation
from serving_layer.answers.recommend import recommend
from serving_layer.merged.models import recommenders_of
from serving_layer.reading.answering import answer
from tests.kit.hostile import TIMESTAMP
from tests.kit.installation import Installation, installation
from tests.kit.mixed_stream import in_parts, mixed_stream

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.deep]

SHOP = GeneratorSettings(users=60, items=40, events=900, seed=4, end_ms=TIMESTAMP)
JUDGED: dict[str, Any] = {"evaluation_events": 10_000, "gate_items": 8, "gate_users": 5, "gate_margin": 0.9}


def job(shop: Installation, **more: Any) -> BatchJob:
    return BatchJob(shop.spark, shop.log, shop.settings, shop.said.append, **more)


def steps(shop: Installation, until: str) -> str:
    """A full run up to that step; its id."""
    run = Runs(batch_views(shop.settings), shop.settings, shop.said.append).begin(shop.log, Wish(full=True)).id
    for step in STEPS[: STEPS.index(until) + 1]:
        job(shop).step(step, run)
    return run


def test_generations_are_judged_and_what_is_wrong_does_not_serve(
    spark: "SparkSession", kafka_bootstrap: str, tmp_path: Path
) -> None:
    shop = installation(spark, kafka_bootstrap, {}, tmp_path, **JUDGED)
    first, second = in_parts(mixed_stream(shop.settings.rules, SHOP), 2)
    shop.produce(first)
    one = job(shop, search=2).run()
    shop.produce(second)
    two = shop.batch()
    judged(shop, one.metrics, two.metrics)
    assert in_lake(shop.settings).num_rows == two.metrics["evaluation"]["events"]  # what `millrace evaluate` reads
    wrong_sums_are_refused(shop)
    a_loss_is_refused(shop)
    one_that_is_meant_serves_with_sparks_model(shop)
    shop.close()


def judged(shop: Installation, one: dict[str, Any], two: dict[str, Any]) -> None:
    """Both were; the second continues from the first's factors, with the settings that were found for it."""
    for metrics in (one, two):
        assert metrics["gate"] == {"passed": True, "reasons": []}
        blend = metrics["evaluation"]["blend"]
        assert blend["users"] >= 5
        assert 0 < blend["ndcg@10"] < 1
        assert 0 < blend["coverage"] <= 1
    assert [m["model"]["warm"] for m in (one, two)] == [False, True]
    assert one["model"]["settings"] == two["model"]["settings"]
    assert any("searched 3 ALS settings on the validation slice" in line for line in shop.said)
    assert one["evaluation"]["drift"] == {}
    drift = two["evaluation"]["drift"]
    assert 0 < drift["neighbours_kept"] <= 1
    assert 0 < drift["popular_kept"] <= 1
    assert drift["sizes"]["pairs"] >= 1
    checks = [line for line in shop.said if "recomputed from the lake, mismatches: 0" in line]
    assert len(checks) == 2
    assert all(int(line.split()[0].replace(",", "")) > 50 for line in checks)


def wrong_sums_are_refused(shop: Installation) -> None:
    active, views = shop.control.active, batch_views(shop.settings)
    run = steps(shop, "compute")
    book = generation_book(run)
    views.put(book, {(NORMS, key): pack_norm(unpack_norm(value) + 1) for key, value in views.scan(book, NORMS)})
    shop.settings = shop.settings.changed(evaluation_events=0)
    for step in ("train", "evaluate"):
        job(shop).step(step, run)
    with pytest.raises(Refused, match=r"sums differ from the slow recompute, first: norm of .* --ungated"):
        job(shop).step("gate", run)
    kept = shop.control.generation(run)
    assert kept is not None
    assert not kept.metrics["gate"]["passed"]
    assert shop.control.active == active
    shop.check_all_is_applied(degraded=("speed",))


def a_loss_is_refused(shop: Installation) -> None:
    active = shop.control.active
    events = shop.spark.read.format("delta").load(f"{shop.settings.lake_path}/events")
    half = events.where("pmod(xxhash64(user_id), 2) = 0").localCheckpoint()
    half.write.format("delta").mode("overwrite").option("userMetadata", note(shop)).save(
        f"{shop.settings.lake_path}/events"
    )
    with pytest.raises(Refused, match=r"it holds .* events, the active one .* more than gate_shrink 0.1"):
        job(shop).run(full=True, activate=True)
    assert shop.control.active == active


def note(shop: Installation) -> str:
    """What the last append said of itself."""
    from delta.tables import DeltaTable

    history = DeltaTable.forPath(shop.spark, f"{shop.settings.lake_path}/events").history()
    return str(history.where("userMetadata is not null").orderBy("version", ascending=False).first()["userMetadata"])


def one_that_is_meant_serves_with_sparks_model(shop: Installation) -> None:
    """The gate is overruled, and says so; a model of the other engine is folded in by its own regularization."""
    shop.settings = shop.settings.changed(als_engine="spark")
    made = job(shop, ungated=True).run(full=True, activate=True)
    assert shop.control.active == made.id
    assert made.metrics["gate"]["passed"]
    assert "gate_shrink" in made.metrics["gate"]["reasons"][0]
    assert any(line.startswith("the gate would not activate it (overruled): it holds") for line in shop.said)
    assert made.metrics["model"]["engine"] == "spark"
    user = shop.names().users[0].encode()
    recommended, model = answer(
        shop.views, lambda s: (recommend(s, user, Recommendation()), recommenders_of(s)["als"].scorer)
    )
    assert recommended["generation"] == made.id
    assert recommended["items"]
    assert isinstance(model, AlsScorer)
    assert model.items
    assert model.weighted
