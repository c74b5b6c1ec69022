"""What end-to-end tests share: one Spark session for the whole run, and a new installation for each pair of stores."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.settings import Settings
from adapters.spark import open_session
from tests.e2e.installation import Installation, emptied, installation
from tests.servers import scratch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Tests live too briefly for the second compiler to pay: a third less processor time.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """The one session of the test run."""
    with scratch("spark") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)
        session = open_session(Settings(home=home), "millrace tests")
        yield session
        session.stop()


@pytest.fixture(params=["sqlite+sqlite", "cassandra+redis"])
def stores(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name the two stores of a pair, both empty."""
    if request.param == "sqlite+sqlite":
        return {}
    redis = emptied(request.getfixturevalue("redis_url"))
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
    monkeypatch.setattr("speed_layer.jobs.stream.FEW_RECORDS", 100)
    made = installation(spark, kafka_bootstrap, stores, tmp_path)
    yield made
    made.close()
