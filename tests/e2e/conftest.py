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
ENGINES = ["spark", "local"]
VARIED = {"stores", "speed_engine"}
NO_PARAMETERS = SimpleNamespace(params={})


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """The one session of the test run."""
    with scratch("spark") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)
        session = open_session(Settings(home=home), "millrace tests")
        yield session
        session.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test that runs on several stores or engines, mark all but one variant as deep; its name decides which.

    Of one that is deep itself every second variant is left to ``make crash``: the rest has each store and each engine.
    """
    variants: dict[tuple[Path, str], list[pytest.Function]] = {}
    for item in items:
        params = getattr(item, "callspec", NO_PARAMETERS).params
        if isinstance(item, pytest.Function) and VARIED & params.keys():
            others = [str(value) for name, value in sorted(params.items()) if name not in VARIED]
            variants.setdefault((item.path, "-".join([item.originalname, *others])), []).append(item)
    for (_, name), same in variants.items():
        chosen = crc32(name.encode())
        if not any(item.get_closest_marker("deep") for item in same):
            same.pop(chosen % len(same))
            for item in same:
                item.add_marker("deep")
        elif same[0].callspec.params.keys() >= VARIED and len(same) == len(PAIRS) * len(ENGINES):
            for item in same:
                pair, engine = item.callspec.params["stores"], item.callspec.params["speed_engine"]
                if (PAIRS.index(pair) + ENGINES.index(engine) + chosen) % 2:
                    item.add_marker("crash")


@pytest.fixture
def speed_engine() -> str:
    """The engine of the speed layer in tests that do not depend on it: the faster one."""
    return "local"


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
    speed_engine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Installation]:
    """A new installation: empty topics, an empty lake, empty stores; both of small and large micro-batches."""
    monkeypatch.setattr("speed_layer.jobs.spark_engine.FEW_RECORDS", 100)
    # A store may take seconds on a busy machine; outages are the subject of test_outages.
    made = installation(spark, kafka_bootstrap, stores, tmp_path, speed_engine=speed_engine, store_timeout="20s")
    yield made
    made.close()
