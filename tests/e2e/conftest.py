"""What end-to-end tests share: one Spark session for the whole run, and a new installation for each pair of stores."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from adapters.engine.session import open_session
from adapters.settings import Settings
from tests.kit.commands import QUICK_JAVA
from tests.kit.installation import Installation, installation
from tests.kit.scratch import scratch
from tests.kit.servers import new_database

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAIRS = ["sqlite+sqlite", "cassandra+redis"]
NO_PARAMETERS = SimpleNamespace(params=())


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """The one session of the test run."""
    with scratch("spark") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)
        session = open_session(Settings(home=home), "millrace tests")
        yield session
        session.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs on both pairs of stores is deep on one of them: which, follows from the test's name."""
    pairs: dict[tuple[Path, str], list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and "stores" in getattr(item, "callspec", NO_PARAMETERS).params:
            pairs.setdefault((item.path, item.name.replace(item.callspec.params["stores"], "")), []).append(item)
    for (_, name), pair in pairs.items():
        if len(pair) == len(PAIRS):
            pair[crc32(name.encode()) % len(PAIRS)].add_marker("deep")


@pytest.fixture(params=PAIRS)
def stores(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name the two stores of a pair, both empty."""
    if request.param == "sqlite+sqlite":
        return {}
    redis = new_database(request.getfixturevalue("redis_url"))
    return {"batch_views": request.getfixturevalue("cassandra_url"), "speed_views": redis}


@pytest.fixture
def millrace(
    spark: "SparkSession",
    kafka_bootstrap: str,
    stores: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Installation]:
    """A new installation: empty topics, an empty lake, empty stores; both of small and large micro-batches."""
    monkeypatch.setattr("speed_layer.jobs.spark_engine.FEW_RECORDS", 100)
    made = installation(spark, kafka_bootstrap, stores, tmp_path)
    yield made
    made.close()
