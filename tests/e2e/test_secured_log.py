"""A broker that asks for a login over TLS: both clients use ``kafka_options``, and a refusal is one sentence."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.broker.opening import open_log
from adapters.engine.kafka_source import read_range
from adapters.settings import Settings
from schemas.errors import MillraceError
from tests.kit.secured_broker import PASSWORD, USER, SecuredBroker, secured_broker

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.deep]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as secured:
        yield secured


def settings_for(broker: SecuredBroker, home: Path, mechanism: str = "PLAIN", **changed: str) -> Settings:
    options = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "sasl.username": USER,
        "sasl.password": PASSWORD,
        "ssl.ca.location": str(broker.authority),
        **changed,
    }
    return Settings.of(home=home, kafka=broker.bootstrap, kafka_options=options, topic_prefix=f"{mechanism}-")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_what_one_client_appends_with_a_login_the_other_reads(
    broker: SecuredBroker, spark: "SparkSession", tmp_path: Path, mechanism: str
) -> None:
    settings = settings_for(broker, tmp_path, mechanism)
    with open_log(settings) as log:
        log.appender().append_all(log.topics.events, [(b"user", b"one"), (b"user", b"two")])
        start, end = log.start_offsets(), log.end_offsets()
        assert [record.value for record in log.read(log.topics.events, start, end)] == [b"one", b"two"]
        rows = read_range(spark, settings, log.bootstrap, start, end).collect()
    assert sorted(bytes(row["value"]) for row in rows) == [b"one", b"two"]


@pytest.mark.parametrize("changed", [{"sasl.password": "wrong"}, {"ssl.ca.location": "probe"}], ids=str)
def test_a_login_or_a_certificate_that_is_refused_is_one_sentence_without_the_secret(
    broker: SecuredBroker, tmp_path: Path, changed: dict[str, str]
) -> None:
    with pytest.raises(MillraceError) as refused, open_log(settings_for(broker, tmp_path, **changed)):
        pass
    assert broker.bootstrap in str(refused.value)
    assert PASSWORD not in str(refused.value)
