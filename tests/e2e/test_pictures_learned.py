"""A batch run takes the pictures that are indexed: into its generation, its evaluation, and the answers by it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from adapters.pictures.index import publish
from adapters.records.artefacts import read_artefact
from adapters.stores.opened import batch_views
from datasets.synthetic.generator import GeneratorSettings
from schemas.event import Event
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.reading.answering import answer
from tests.kit.hostile import TIMESTAMP
from tests.kit.installation import installation
from tests.kit.mixed_stream import in_parts, mixed_stream

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.deep]
SHOP = GeneratorSettings(users=60, items=40, events=900, seed=4, end_ms=TIMESTAMP)
ONLY = {name: {"weight": 0.0} for name in ("als", "similar", "popular", "trending")} | {"picture": {"weight": 1.0}}


def test_what_looks_like_the_history_is_recommended_from_the_generation_on(
    spark: "SparkSession", kafka_bootstrap: str, tmp_path: Path
) -> None:
    shop = installation(
        spark, kafka_bootstrap, {}, tmp_path, recommenders=ONLY, blend_learns="", evaluation_events=10_000
    )
    first, second = in_parts(mixed_stream(shop.settings.rules, SHOP), 2)
    shop.produce(first)
    without = shop.batch()
    assert any("no pictures are indexed" in line for line in shop.said)
    assert read_artefact(batch_views(shop.settings), without.id, "picture") is None

    shop.produce(second)
    items = sorted({event.item_id for _, event in shop.judged() if isinstance(event, Event)})
    shown = items[::2]
    looks = np.random.default_rng(1).normal(size=(len(shown), 6)).astype(np.float32)
    publish(shop.settings.pictures_path, "any", shown, shown, looks, 4)
    made = shop.batch(full=True)
    assert any(f"trained picture: vectors of {len(shown)} items" in line for line in shop.said)
    assert 0 < made.metrics["evaluation"]["models"]["picture"]["ndcg@10"] < 1
    rated = [event for _, event in shop.judged() if isinstance(event, Event) and event.item_id in shown]
    listed = answer(shop.views, lambda snapshot: recommend(snapshot, rated[-1].user_id.encode(), Wish()))
    assert {row["source"] for row in listed["items"]} == {"picture"}
    assert {row["item_id"] for row in listed["items"]} <= set(shown)
    assert listed["generation"] == made.id
    shop.close()
