"""What is no event: stops no layer, is judged alike by both, kept with its bytes, counted, mended and sent again."""

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from adapters.lake.parts import EVENTS, REJECTED, PartWriter
from adapters.lake.tables import Lake
from adapters.log.kafka_log import as_record
from core.partitions.partitioner import partition_of
from schemas.control import LogIdentity
from schemas.event import Record, Rejected
from serving_layer.answers import lookups
from serving_layer.answers.status import status
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from tests.kit.commands import Commands
from tests.kit.hostile import TIMESTAMP, USER, encoded, good
from tests.kit.hostile_at_random import hostile_at_random
from tests.kit.installation import Installation
from tests.kit.mixed_stream import SHOP, mixed_stream

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.kafka, pytest.mark.spark]

MIB = 1024 * 1024
HUGE_BYTES = 8 * MIB - 1_000  # as much as the topic takes


@pytest.fixture
def stores() -> dict[str, str]:
    """What is rejected never reaches a view store, so that the embedded pair will do."""
    return {}


HUGE = [b"[" * HUGE_BYTES, encoded(good(x="x" * HUGE_BYTES)), b"\xff" * HUGE_BYTES]


def a_flood(millrace: Installation, seed: int, count: int, huge: Sequence[bytes] = ()) -> list[Record]:
    """``count`` hostile records and the huge ones, good ones among them."""
    rules, rng = millrace.settings.rules, random.Random(seed)
    records = mixed_stream(rules, replace(SHOP, seed=seed))
    broken = [case.record(rules) for case in hostile_at_random(seed, count)]
    home = partition_of(USER.encode(), rules.partitioner, rules.partitions)
    broken += [Record("events", home, 0, TIMESTAMP, USER.encode(), value[:HUGE_BYTES]) for value in huge]
    for record in broken:
        records.insert(rng.randrange(len(records) + 1), record)
    return records


@pytest.mark.deep
def test_hostile_records_stop_neither_layer_and_both_judge_them_alike(millrace: Installation) -> None:
    millrace.produce(a_flood(millrace, 1, 1_000, HUGE))
    end = millrace.log.end_offsets()
    millrace.speed()
    millrace.check_all_is_applied()
    by_speed = buried(millrace)
    made = millrace.batch()
    by_batch = buried(millrace)[len(by_speed) :]
    expected = Counter(
        (record.partition, record.offset, verdict.reason, record.key, record.value)
        for record, verdict in millrace.judged()
        if isinstance(verdict, Rejected)
    )
    assert expected.total() > 1_000
    assert Counter(by_speed) == Counter(by_batch) == expected
    millrace.check_rejected()  # each once, though both have buried it
    columns = ("partition", "offset", "reason", "key", "value")
    rows = Lake(millrace.spark, millrace.settings.lake_path).rejected_until(end).select(*columns).collect()
    assert Counter((p, o, reason, octets(key), octets(value)) for p, o, reason, key, value in rows) == expected
    reported = status(millrace.views, millrace.settings, millrace.log, time.time_ns() // 1_000_000)
    assert reported["rejected"] == expected.total()
    by_reason = dict(Counter(reason for _, _, reason, _, _ in expected.elements()))
    assert reported["rejected_by_reason"] == made.metrics["rejected"] == by_reason
    millrace.produce(a_flood(millrace, 2, 200))  # a layer that is under way, too
    with millrace.streaming():
        report = millrace.prove()
    assert report.mismatches == 0
    millrace.check_all_is_applied()
    millrace.check_rejected()


def buried(millrace: Installation) -> list[tuple[int, int, str, bytes | None, bytes | None]]:
    """The topic of the dead letters as it is, repetitions included, oldest first."""
    topic = millrace.log.topics.dead_letters
    start, end = millrace.log.start_offsets(topic), millrace.log.end_offsets(topic)
    letters = []
    for message in millrace.log.messages(topic, start, end):
        place = {name: value.decode() for name, value in message.headers()}
        record = as_record(message)
        letters.append((int(place["partition"]), int(place["offset"]), place["reason"], record.key, record.value))
    return letters


def octets(value: bytearray | None) -> bytes | None:
    return None if value is None else bytes(value)


@pytest.mark.deep
def test_the_lake_takes_more_large_dead_letters_than_fit_into_the_engines_memory(
    spark: "SparkSession", tmp_path: Path
) -> None:
    lake, count = Lake(spark, str(tmp_path)), 120  # 1 GB before compression, as much as the engine has
    lake.covered(LogIdentity("cluster", "topic", 1), {0: 0})
    events, letters = PartWriter(lake.path, "events", EVENTS, 0), PartWriter(lake.path, "rejected", REJECTED, 0)
    letter = {"topic": "events", "partition": 0, "timestamp": 0, "value": b"[" * HUGE_BYTES, "reason": "oversize"}
    for offset in range(count):
        letters.write(pa.RecordBatch.from_pylist([letter | {"offset": offset}], REJECTED))
    lake.append([events.close(), letters.close()], LogIdentity("cluster", "topic", 1), {0: count})
    assert lake.rejected_until({0: count}).count() == count


@pytest.mark.deep
def test_rejected_records_are_mended_in_a_file_or_by_a_setting_and_sent_again(
    millrace: Installation, tmp_path: Path
) -> None:
    shop = Commands(
        tmp_path,
        {
            "MILLRACE_HOME": str(tmp_path), "MILLRACE_KAFKA": millrace.log.bootstrap,
            "MILLRACE_TOPIC_PREFIX": millrace.settings.log.topic_prefix, "MILLRACE_HISTORY_ITEMS": "4",
            "MILLRACE_REMEMBERED_IDS": "6",
        },
    )  # fmt: skip
    pretty = json.dumps(good(event_id="gaze-1", kind="gaze", item_id="mended-1"), indent=1).encode()
    values = [pretty, encoded(good(event_id="gaze-2", kind="gaze", item_id="mended-2")), b"nonsense"]
    astray = encoded(good(event_id="astray", item_id="at-home"))
    home = partition_of(USER.encode(), "murmur2", 4)
    places = [*((home, value) for value in values), ((home + 1) % 4, astray)]
    millrace.produce(Record("events", partition, 0, TIMESTAMP, USER.encode(), value) for partition, value in places)
    refused = shop.run("batch", "run", status=1).stderr  # nothing that was sent counts: no success
    assert "none of the 4 events counted: all were rejected, 2 as unknown_kind" in refused
    assert shop.json("status")["generation"] is not None
    millrace.speed()
    assert items_of(millrace) == set()
    assert shop.json("rejected", "export", "broken.jsonl", "--reason", "unknown_kind") == {"exported": 2}
    lines = (tmp_path / "broken.jsonl").read_bytes()
    assert [json.loads(line) for line in lines.splitlines()] == [json.loads(value) for value in values[:2]]
    (tmp_path / "broken.jsonl").write_bytes(lines.replace(b"gaze", b"view"))
    for _ in range(2):  # the second time they are duplicates
        assert shop.json("produce", "broken.jsonl")["acknowledged"] == 2
    assert shop.json("rejected", "replay", "--reason", "misrouted")["replayed"] == 1
    millrace.speed()
    assert items_of(millrace) == {"mended-1", "mended-2", "at-home"}
    millrace.check_all_is_applied()
    assert shop.json("status")["rejected_by_reason"] == {"unknown_kind": 2, "malformed": 1, "misrouted": 1}
    exported = shop.run("rejected", "export", "-").stdout.splitlines()  # in the order in which layers sent them
    assert (len(exported), exported.count("nonsense")) == (4, 1)


def items_of(millrace: Installation) -> set[str]:
    history = answer(millrace.views, lambda snapshot: lookups.history(snapshot, USER.encode(), Page(n=100)))
    return {row["item_id"] for row in history["items"]}
