"""Real shops' events through both layers, on every pair of stores: no sum differs, and the lookups answer."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.log.bulk_appender import BulkAppender
from adapters.stores.opened import batch_views, speed_views
from datasets.files.tally import Tally
from datasets.formats import IMPORTERS
from datasets.formats.base import ImportOptions
from datasets.importing.share import Share, read_dataset, to_log
from serving_layer.answers import lookups
from serving_layer.answers import recommend as recommender
from serving_layer.answers.recommend import Wish
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from tests.kit.installation import Installation, installation

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [
    pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.cassandra, pytest.mark.slow,
]  # fmt: skip

FILES = {"rees46": "rees46-2019-oct-prefix/2019-Oct.csv.gz", "deskdrop": "deskdrop/interactions.csv.gz"}
AS_SHIPPED = {"history_items": 20, "remembered_ids": 64}


@pytest.mark.deep
@pytest.mark.parametrize(
    ("name", "stores"), [("rees46", "cassandra+redis"), ("deskdrop", "sqlite+sqlite")], indirect=["stores"]
)
def test_seven_tenths_by_batch_and_the_rest_by_speed_add_up_to_the_whole(
    name: str, test_data: Path, spark: "SparkSession", kafka_bootstrap: str, stores: dict[str, str], tmp_path: Path
) -> None:
    path = test_data / FILES[name]
    if not path.exists():
        pytest.skip(f"{path} is not there")
    shop = installation(spark, kafka_bootstrap, stores, tmp_path, **AS_SHIPPED)
    first = bring(shop, name, path, Share(0.0, 0.7))
    generation = shop.batch()
    assert generation.metrics["events"] == first
    rest = bring(shop, name, path, Share(0.7, 1.0))
    assert 0.69 < first / (first + rest) < 0.71
    shop.speed()
    assert shop.position.offsets == shop.log.end_offsets()
    report = shop.prove()
    assert (report.mismatches, report.events) == (0, first + rest)
    look_up(shop)
    for store in (batch_views(shop.settings), speed_views(shop.settings)):
        store.close()


def bring(shop: Installation, name: str, path: Path, share: Share) -> int:
    """Import that share of the file into the log; how many events."""
    imported = read_dataset(IMPORTERS[name](path, ImportOptions("", shop.settings.fold.kinds, {}), Tally()), share)
    appender = BulkAppender(shop.log.bootstrap, shop.settings.log.partitioner, shop.log.options)
    sent = 0
    for sent in to_log(imported, appender.append, shop.log.topics.events, shop.log.topics.items):  # noqa: B007
        pass
    appender.flush()
    return sent


def look_up(shop: Installation) -> None:
    """Every lookup has something to say of the last user in the log."""
    record = shop.records()[-1]
    user = record.key or b""
    history = answer(shop.views, lambda snapshot: lookups.history(snapshot, user, Page()))["items"]
    item = history[0]["item_id"].encode()
    assert answer(shop.views, lambda snapshot: recommender.recommend(snapshot, user, Wish()))["items"]
    assert answer(shop.views, lambda snapshot: lookups.similar(snapshot, item, Page()))["norm"] > 0
    trending = answer(shop.views, lambda snapshot: lookups.trending(snapshot, 1, None, Page()))
    assert trending["items"] or trending["basis"] == "trend"  # in an hour with a past nothing need be growing
