"""Topics that others made, on a real broker: refused or said at start, by status and by doctor."""

import itertools
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from adapters.broker.opening import open_log
from adapters.log.dead_letters import DeadLetter, bury_letters
from adapters.log.kafka_log import Log, Topics
from adapters.log.topic_state import findings, say_warnings
from adapters.records.books import CATALOGUE
from adapters.records.control import Applied
from adapters.settings import Settings
from adapters.stores import open_store
from millrace.doctor.command import doctor
from millrace.doctor.log import check_stamps
from schemas.errors import SettingsError
from schemas.event import Record
from serving_layer.answers.beside_events import about_the_topics
from tests.kit.servers import new_database

pytestmark = pytest.mark.kafka
numbers = itertools.count()


def made_by_others(bootstrap: str, **topics: dict[str, str]) -> Settings:
    """Settings of an installation some of whose topics, given by name and configuration, others have made."""
    settings = Settings.of(kafka=bootstrap, topic_prefix=f"others-{next(numbers)}-")
    new = [NewTopic(settings.topic(name), 1, config=config) for name, config in topics.items()]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics(new).values():
        made.result(120)
    return settings


def log_of(settings: Settings) -> Log:
    return Log(settings.log.kafka, Topics.prefixed(settings.log.topic_prefix))


def rows(monkeypatch: pytest.MonkeyPatch, settings: Settings, home: Path, **more: str) -> list[dict[str, Any]]:
    """What doctor finds with these settings."""
    named = {"kafka": settings.log.kafka, "topic_prefix": settings.log.topic_prefix, "home": str(home), **more}
    for key, value in named.items():
        monkeypatch.setenv(f"MILLRACE_{key.upper()}", value)
    return list(json.loads(CliRunner().invoke(doctor, ["--json"]).output)["checks"])


def test_compacted_events_are_refused_at_start_and_by_doctor(
    kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = made_by_others(kafka_bootstrap, events={"cleanup.policy": "compact"})
    with pytest.raises(SettingsError, match=r"is compacted .*cleanup\.policy=delete"), open_log(settings):
        pass
    (message,) = about_the_topics(log_of(settings), settings.log.retention_ms)
    assert "is compacted" in message
    topic = settings.topic("events")
    (row,) = [check for check in rows(monkeypatch, settings, tmp_path) if check["name"] == f"topic {topic}"]
    assert (row["ok"], row["required"]) == (False, True)
    assert "cleanup.policy=delete" in row["remedy"]


def test_what_loses_records_later_is_said_and_does_not_stop(kafka_bootstrap: str) -> None:
    settings = made_by_others(kafka_bootstrap, events={"retention.ms": "3600000"}, items={"max.message.bytes": "5000"})
    said: list[str] = []
    with open_log(settings) as log:
        say_warnings(log, settings.log.retention_ms, said.append)
    assert len(said) == 3
    assert any("retention.ms=3600000" in line for line in said)
    assert any("not cleanup.policy=compact alone" in line for line in said)
    assert any("takes 5,000 bytes" in line for line in said)


def test_topics_that_millrace_makes_are_well(log: Log) -> None:
    assert findings(log, -1) == []


def test_doctor_names_producers_without_keys_and_a_speed_store_of_another_log(
    log: Log, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless = [DeadLetter(Record(log.topics.events, 0, n, 0, None, b"{}"), "key_mismatch") for n in range(3)]
    bury_letters(log, [*keyless, DeadLetter(Record(log.topics.events, 0, 9, 0, b"u", b"{}"), "malformed")])
    url = new_database(redis_url)
    with closing(open_store(url)) as store:
        store.swap(CATALOGUE, None, Applied(log=replace(log.identity(), topic_id="theirs")).to_json())
    settings = Settings.of(kafka=log.bootstrap, topic_prefix=log.topics.events.removesuffix("events"))
    checks = {check["name"]: check for check in rows(monkeypatch, settings, tmp_path, speed_views=url)}
    assert "3 of the last 4" in checks["producers"]["found"]
    assert "replay --reason key_mismatch" in checks["producers"]["remedy"]
    assert checks["topics"]["ok"]
    assert not checks["speed views"]["ok"]
    assert "another log" in checks["speed views"]["found"]


def test_doctor_sees_producers_whose_clock_is_ahead(log: Log) -> None:
    now_ms = 1_760_000_000_000
    assert list(check_stamps(log, now_ms)) == []
    producer = Producer({"bootstrap.servers": log.bootstrap})
    for partition, ahead in ((0, -90_000), (1, 60_000), (2, 4_000)):
        producer.produce(log.topics.events, b"{}", b"u", partition, timestamp=now_ms + ahead)
    assert producer.flush(30) == 0
    (check,) = check_stamps(log, now_ms)
    assert "60 s ahead" in check.found
    assert "clocks" in check.remedy
    assert not check.required
