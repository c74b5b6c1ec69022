"""What all tests share: the servers of tests/kit/servers.py, and the data sets in MILLRACE_TEST_DATA."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adapters.machine.compiled import keep_compiled
from tests.kit.leftovers import SHARED, nothing_left
from tests.kit.servers import cassandra_port, cassandra_url, kafka_bootstrap, log, postgres, redis_url

keep_compiled()
# No test is held to a time: on a busy machine any example may take seconds.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

__all__ = ["cassandra_port", "cassandra_url", "kafka_bootstrap", "log", "postgres", "redis_url"]


@pytest.fixture(scope="module", autouse=True)
def _a_file_leaves_no_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the fixtures of a file started ends with the file."""
    with nothing_left(request.node.nodeid):
        yield


@pytest.fixture(autouse=True)
def _a_test_leaves_no_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test and its own fixtures started ends with it, so that it logs nothing into the next one."""
    with nothing_left(request.node.nodeid, SHARED):
        yield


@pytest.fixture(autouse=True)
def _no_settings_of_the_person_who_runs_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only settings of the test itself count, apart from where the jars are."""
    for name in os.environ:
        if name.startswith("MILLRACE_") and name not in ("MILLRACE_JARS", "MILLRACE_TEST_DATA"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data sets; tests that need it are skipped, with the remedy, if it is missing."""
    folder = os.environ.get("MILLRACE_TEST_DATA")
    if not folder:
        pytest.skip("no real data sets here: set MILLRACE_TEST_DATA to a folder that has them")
    return Path(folder)
