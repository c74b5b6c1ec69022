"""The log on a real broker: what a committed reader sees, and which error it gets when it cannot read."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

from adapters.log.appender import Appender
from adapters.log.dead_letters import DeadLetter, bury, dead_letters
from adapters.log.kafka_log import Log
from adapters.machine.children import free_port
from schemas.errors import BadInput, LogUnavailable, MillraceError, NotReady, SettingsError
from schemas.event import Record
from tests.kit.waiting import least, seconds, until

pytestmark = pytest.mark.kafka


def fill(log: Log, count: int, partition: int = 0, first: int = 0) -> None:
    """Append ``count`` plain records to one partition of events."""
    producer = Producer({"bootstrap.servers": log.bootstrap})
    for number in range(first, first + count):
        producer.produce(log.topics.events, key=b"k", value=str(number).encode(), partition=partition)
    assert producer.flush(120) == 0


def transaction(log: Log, values: list[bytes], partition: int = 0) -> Producer:
    """An open transaction that has written those values."""
    producer = Producer({"bootstrap.servers": log.bootstrap, "transactional.id": f"t-{time.monotonic_ns()}"})
    producer.init_transactions(120)
    producer.begin_transaction()
    for value in values:
        producer.produce(log.topics.events, value=value, partition=partition)
    producer.flush(120)
    return producer


def until_the_end_is(log: Log, offset: int) -> None:
    """The broker writes a transaction's markers after it has acknowledged its end."""
    until(lambda: log.end_offsets()[0] == offset, why=log.end_offsets)


def values(log: Log, start: dict[int, int] | None = None, end: dict[int, int] | None = None) -> list[bytes | None]:
    topic = log.topics.events
    return [record.value for record in log.read(topic, start or log.start_offsets(), end or log.end_offsets())]


def test_the_identity_is_the_same_for_every_client_and_differs_between_topics(log: Log) -> None:
    identity = log.identity()
    assert identity == Log(log.bootstrap, log.topics).identity()
    assert identity.partitions == 4
    other = replace(log.topics, events=log.topics.items)
    assert Log(log.bootstrap, other).identity().topic_id != identity.topic_id


def test_topics_are_created_as_the_contract_says(log: Log) -> None:
    names = [log.topics.events, log.topics.items, log.topics.users, log.topics.dead_letters]
    events, items, users, dead = (config(log, name) for name in names)
    assert events["cleanup.policy"] == dead["cleanup.policy"] == "delete"
    assert events["retention.ms"] == dead["retention.ms"] == "-1"
    assert items["cleanup.policy"] == users["cleanup.policy"] == "compact"
    assert int(dead["max.message.bytes"]) > int(events["max.message.bytes"]) > 64 * 1024
    assert [len(log.end_offsets(name)) for name in names] == [4, 1, 1, 1]


def test_a_topic_that_exists_stays_as_it_is(log: Log) -> None:
    log.ensure_topics(partitions=7, retention_ms=1000)
    assert log.identity().partitions == 4
    assert config(log, log.topics.events)["retention.ms"] == "-1"


def test_reading_a_range_gives_exactly_its_records_in_order(log: Log) -> None:
    fill(log, 10, partition=0)
    fill(log, 5, partition=3)
    records = list(log.read(log.topics.events, {0: 2, 3: 0}, {0: 6, 3: 4}))
    assert [(record.partition, record.offset) for record in records if record.partition == 0] == [
        (0, n) for n in range(2, 6)
    ]
    assert [(record.partition, record.offset) for record in records if record.partition == 3] == [
        (3, n) for n in range(4)
    ]
    assert all(record.value == str(record.offset).encode() and record.key == b"k" for record in records)
    assert all(abs(record.timestamp - time.time() * 1000) < 60_000 for record in records)


def test_a_record_without_a_value_is_read_like_any_other(log: Log) -> None:
    """Alone in its range it is what the client hands over first."""
    for value in (b"x", None, b""):
        log.appender().append_all(log.topics.items, [(b"k", value)])
        end = log.end_offsets(log.topics.items)
        records = list(log.read(log.topics.items, {0: end[0] - 1}, end))
        assert [(record.key, record.value) for record in records] == [(b"k", value)]


def test_an_empty_range_reads_nothing(log: Log) -> None:
    fill(log, 3)
    assert values(log, {0: 2}, {0: 2}) == []
    assert values(log, {0: 3}, {0: 2}) == []


def test_a_reader_started_while_others_append_stops_at_its_end(log: Log) -> None:
    fill(log, 100)
    end = log.end_offsets()
    fill(log, 100, first=100)
    assert len(values(log, end=end)) == 100


def test_records_of_an_aborted_transaction_are_passed_over(log: Log) -> None:
    fill(log, 2)
    transaction(log, [b"lost", b"lost"]).abort_transaction(120)
    transaction(log, [b"kept"]).commit_transaction(120)
    fill(log, 1, first=2)
    until_the_end_is(log, 8)
    assert values(log) == [b"0", b"1", b"kept", b"2"]


@pytest.mark.parametrize("aborted", [True, False])
def test_a_range_that_ends_with_a_marker_is_read_to_its_end_at_once(log: Log, aborted: bool) -> None:
    fill(log, 1)
    last = transaction(log, [b"t"])
    if aborted:
        last.abort_transaction(120)
    else:
        last.commit_transaction(120)
    until_the_end_is(log, 3)

    def read() -> None:
        assert values(log) == ([b"0"] if aborted else [b"0", b"t"])
        assert values(log, {0: 2}, {0: 3}) == []  # nothing but the marker

    assert least(lambda: seconds(read), 5) < 5


def test_the_end_is_the_last_stable_offset(log: Log) -> None:
    fill(log, 2)
    opened = transaction(log, [b"open"])
    fill(log, 1, first=2)
    assert log.end_offsets()[0] == 2
    assert values(log) == [b"0", b"1"]
    opened.commit_transaction(120)
    until_the_end_is(log, 5)
    assert values(log) == [b"0", b"1", b"open", b"2"]


def test_a_range_that_retention_has_removed_is_named_and_never_skipped(log: Log) -> None:
    fill(log, 10)
    delete_before(log, 4)
    assert log.start_offsets()[0] == 4
    with pytest.raises(SettingsError, match=r"begins at offset 4: the needed offsets 1 to 3 were removed by retention"):
        values(log, {0: 1}, {0: 8})
    assert values(log, {0: 4}, {0: 6}) == [b"4", b"5"]


def test_a_range_removed_while_it_is_read_is_an_error_as_well(log: Log) -> None:
    """The check at the start has passed then: the client itself must refuse to jump."""
    fill(log, 10)
    from adapters.log.client import client_settings
    from adapters.log.reader import committed_chunks

    delete_before(log, 4)
    with pytest.raises(Exception, match="out of range"):
        list(committed_chunks(client_settings(log.bootstrap, {}), log.topics.events, {0: (1, 8)}))


def test_a_log_that_is_shorter_than_it_was_is_an_error(log: Log) -> None:
    fill(log, 3)
    with pytest.raises(SettingsError, match="ends at offset 3, but 9 is needed"):
        values(log, {0: 0}, {0: 10})


def test_the_timestamp_of_an_offset_is_that_of_the_next_record(log: Log) -> None:
    fill(log, 1)
    transaction(log, [b"lost"]).abort_transaction(120)  # offsets 1 and 2
    fill(log, 1)
    until_the_end_is(log, 4)
    first, last = log.read(log.topics.events, {0: 0}, {0: 4})
    assert log.timestamp_of(0, 0) == first.timestamp
    assert log.timestamp_of(0, 1) == log.timestamp_of(0, 2) == log.timestamp_of(0, 3) == last.timestamp
    assert log.timestamp_of(0, 4) is None
    assert log.timestamp_of(1, 0) is None


def test_appended_records_keep_their_order_for_each_key_and_are_counted(log: Log) -> None:
    appender = log.appender()
    outcomes: list[MillraceError | None] = []
    for number in range(3000):
        appender.append(log.topics.events, f"u{number % 7}".encode(), str(number).encode(), on_delivery=outcomes.append)
    appender.flush()
    assert appender.acknowledged == 3000
    assert outcomes == [None] * 3000
    by_key: dict[bytes | None, list[int]] = {}
    for record in log.read(log.topics.events, log.start_offsets(), log.end_offsets()):
        by_key.setdefault(record.key, []).append(int(record.value or b""))
    assert by_key == {f"u{k}".encode(): list(range(k, 3000, 7)) for k in range(7)}


@pytest.mark.parametrize(
    ("partitioner", "expected"),
    [
        # Java's murmur2 of "21" and "abc" (kafka-clients' own test vectors: -973932308, 479470107), positive, mod 4
        ("murmur2", {b"21": (-973932308 & 0x7FFFFFFF) % 4, b"abc": (479470107 & 0x7FFFFFFF) % 4}),
        # CRC-32 of "123456789" is the checksum's own test vector
        ("crc32", {b"123456789": 0xCBF43926 % 4}),
    ],
)
def test_the_partitioner_is_the_one_of_the_setting(log: Log, partitioner: str, expected: dict[bytes, int]) -> None:
    appender = log.appender(partitioner)
    for key in expected:
        appender.append(log.topics.events, key, b"{}")
    appender.flush()
    partitions = {
        record.key: record.partition for record in log.read(log.topics.events, log.start_offsets(), log.end_offsets())
    }
    assert partitions == expected


def test_an_unknown_partitioner_is_refused(log: Log) -> None:
    with pytest.raises(SettingsError, match="'partitioner' must be one of murmur2, crc32, not 'md5'"):
        log.appender("md5")


def test_threads_that_share_an_appender_each_wait_for_their_own_records(log: Log) -> None:
    appender, sent = log.appender(), []
    threads = [
        threading.Thread(
            target=lambda: sent.append(appender.append_all(log.topics.events, [(b"k", b"v")] * 50).acknowledged)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent == [50] * 4
    assert len(values(log)) == 200


def test_an_event_far_too_large_still_reaches_the_log_and_the_dead_letters(log: Log) -> None:
    appender = log.appender()
    appender.append(log.topics.events, b"k", b"x" * 5_000_000)
    appender.flush()
    (record,) = log.read(log.topics.events, log.start_offsets(), log.end_offsets())
    bury(appender, log, DeadLetter(record, "oversize"))
    appender.flush()
    assert list(dead_letters(log)) == [DeadLetter(record, "oversize")]


def test_a_record_that_no_topic_takes_is_refused(log: Log) -> None:
    appender = log.appender()
    with pytest.raises(BadInput, match=r"raise max\.message\.bytes"):
        appender.append(log.topics.events, b"k", b"x" * 20_000_000)
    appender.append(log.topics.events, b"k", b"x" * 10_000_000)
    with pytest.raises(BadInput, match=r"1 of 1 records were not acknowledged"):
        appender.flush()


def test_a_dead_letter_keeps_bytes_place_and_reason_and_counts_once(log: Log) -> None:
    records = [
        Record(log.topics.events, 2, 17, 1_700_000_000_000, b"\xff\x00", b"{not json"),
        Record(log.topics.events, 2, 18, 1_700_000_000_001, None, None),
        Record(log.topics.events, 1, 17, 1_700_000_000_002, b"", b""),
    ]
    letters = [DeadLetter(record, "malformed") for record in records]
    appender = log.appender()
    for letter in [*letters, *letters[:2]]:
        bury(appender, log, letter)
    appender.flush()
    assert list(dead_letters(log)) == letters
    assert sum(log.end_offsets(log.topics.dead_letters).values()) == 5


def test_a_missing_topic_says_what_creates_it(log: Log) -> None:
    absent = Log(log.bootstrap, replace(log.topics, events="absent"))
    for asked in (absent.identity, absent.end_offsets, absent.start_offsets):
        with pytest.raises(NotReady, match="`millrace produce` or `millrace up` creates it"):
            asked()


UNREACHABLE: list[Callable[[Log], object]] = [
    lambda log: log.identity(),
    lambda log: log.ensure_topics(4),
    lambda log: log.end_offsets(),
]


@pytest.mark.parametrize("asked", UNREACHABLE)
def test_an_unreachable_cluster_is_named_within_the_time(
    asked: Callable[[Log], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.log.kafka_log.TIMEOUT_SECONDS", 1.0)
    address = f"127.0.0.1:{free_port()}"

    def ask() -> None:
        with pytest.raises(
            LogUnavailable, match=rf"the log at {address} cannot be reached .* check that the broker runs"
        ):
            asked(Log(address))

    assert least(lambda: seconds(ask), 4) < 4


def test_records_that_nobody_acknowledges_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.log.appender.DELIVERY_SECONDS", 1.0)
    appender = Appender(f"127.0.0.1:{free_port()}")
    for _ in range(3):
        appender.append("events", b"k", b"v")
    with pytest.raises(LogUnavailable, match="3 of 3 records were not acknowledged"):
        appender.flush()


def test_options_of_the_client_are_checked_and_their_values_not_shown() -> None:
    log = Log("127.0.0.1:1", options={"sasl.password": "very-secret", "no.such.option": "1"})
    assert "very-secret" not in repr(log)
    with pytest.raises(SettingsError, match=r"no\.such\.option") as refused:
        log.identity()
    assert "very-secret" not in str(refused.value)


def config(log: Log, topic: str) -> dict[str, str]:
    admin = AdminClient({"bootstrap.servers": log.bootstrap})
    (answer,) = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in answer.result(120).items()}


def delete_before(log: Log, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": log.bootstrap})
    (answer,) = admin.delete_records([TopicPartition(log.topics.events, 0, offset)]).values()
    answer.result(120)
