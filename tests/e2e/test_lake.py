"""The lake: ranges open few files, other schemas are read, maintenance keeps what is needed and nothing else."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from adapters.lake import tables as lake_module
from adapters.lake.care import LakeCare
from adapters.lake.delta_table import APPLICATION
from adapters.lake.parts import EVENTS, REJECTED, PartWriter
from adapters.lake.tables import EVENTS_DDL, REJECTED_DDL, Lake, lake_events
from adapters.log.forgotten import Mark
from schemas.control import LogIdentity, Offsets
from schemas.errors import MillraceError, SettingsError
from schemas.event import DESCRIBING, REMOVE, STORED_COLUMNS
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark]

LOG = LogIdentity("cluster", "topic", 2)
DAY_MS = 24 * 3_600_000
NOW = time.time_ns() // 1_000_000


def both(offset: int) -> Offsets:
    return {0: offset, 1: offset}


LATER = ("category", "raw", *DESCRIBING)  # columns that a version before did not write


def append(lake: Lake, events: list[dict[str, Any]], rejected: list[dict[str, Any]], end: Offsets) -> None:
    """One ingest's files, one for each partition, and its commits."""
    parts = []
    for table, columns, rows in (("events", EVENTS, events), ("rejected", REJECTED, rejected)):
        for partition in sorted({row["partition"] for row in rows}):
            writer = PartWriter(lake.path, table, columns, partition)
            writer.write(pa.RecordBatch.from_pylist([row for row in rows if row["partition"] == partition], columns))
            parts.append(writer.close())
    lake.append(parts, LOG, end)


def event(partition: int, offset: int, **more: Any) -> dict[str, Any]:
    place = {"topic": "events", "partition": partition, "offset": offset, "timestamp": 1}
    who = {"event_id": f"e{offset}", "event_time": 2, "kind": "view", "user_id": f"u{offset % 10}", "item_id": "i"}
    return {**place, **who, "value": None, "category": "c", "raw": "{}", **more}


def fill(lake: Lake, *ends: int) -> None:
    """One append up to each of the offsets, ten users in turn, nine of ten records accepted."""
    for end in ends:
        start = lake.covered(LOG, both(0))
        places = [(p, offset) for p in (0, 1) for offset in range(start[p], end)]
        record = {"topic": "events", "timestamp": 1, "value": b"x", "reason": "malformed"}
        rejected = [
            record | {"partition": p, "offset": o, "key": f"u{o % 10}".encode()} for p, o in places if o % 10 == 0
        ]
        append(lake, [event(p, o) for p, o in places if o % 10], rejected, both(end))


def fill_by_engine(lake: Lake, spark: "SparkSession", end: int, ddl: str, *more: Any) -> None:
    """The same by the engine's writer, as earlier versions did and a later one may, with its own columns."""
    start = lake.covered(LOG, both(0))
    rows = [
        ("events", p, o, 1, f"e{o}", 2, "view", f"u{o % 10}", "i", None, "c", "{}", None, None, None, *more)
        for p in (0, 1) for o in range(start[p], end) if o % 10
    ]  # fmt: skip
    events = spark.createDataFrame([row[: ddl.count(",") + 1] for row in rows], ddl)
    note = json.dumps({"log": vars(LOG), "offsets": both(end)})
    writer = events.write.format("delta").mode("append").option("mergeSchema", "true").option("userMetadata", note)
    writer = writer.option("txnAppId", APPLICATION).option("txnVersion", 2 * end + 1)
    (writer if lake.exists(lake.events) else writer.partitionBy("partition")).save(lake.events)


def places(events: "DataFrame") -> list[tuple[int, int]]:
    return sorted((row["partition"], row["offset"]) for row in events.select("partition", "offset").collect())


def accepted(start: int, end: int) -> list[tuple[int, int]]:
    return [(p, offset) for p in (0, 1) for offset in range(start, end) if offset % 10]


def files_opened(events: "DataFrame") -> int:
    """How many files the engine read for it."""
    events.collect()
    leaves = events._jdf.queryExecution().executedPlan().collectLeaves()  # type: ignore[operator]
    return sum(leaves.apply(k).metrics().apply("numFiles").value() for k in range(leaves.size()))


def by_tasks(lake: Lake, *stretch: Any, **more: Any) -> list[tuple[int, int]]:
    """Places of the events that tasks read by themselves."""
    return places(lake.weighed(lake.stretch(Rules(), *stretch, **more)))


@pytest.fixture
def lake(spark: "SparkSession", tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


@pytest.fixture
def care(spark: "SparkSession", lake: Lake) -> LakeCare:
    return LakeCare(spark, lake)


@pytest.mark.deep
def test_a_range_opens_only_the_files_that_it_meets(lake: Lake, spark: "SparkSession", care: LakeCare) -> None:
    fill(lake, 20, 40, 60)
    assert files_opened(lake.until(both(60))) > 2
    newest = lake.until(both(60), both(40))
    assert (places(newest), files_opened(newest)) == (accepted(40, 60), 2)
    joined = care.optimize()
    assert joined["files_made"] < joined["files_joined"]
    assert files_opened(lake.until(both(60))) == 2
    fill(lake, 80)
    assert files_opened(lake.until(both(80), {0: 75, 1: 65})) == 2
    rest = [(p, o) for p, o in accepted(0, 80) if p == 1 or o >= 75]
    assert places(lake.until(both(80), {0: 75})) == by_tasks(lake, both(80), {0: 75}) == rest


def test_optimizing_leaves_files_alone_that_are_large_enough(
    lake: Lake, spark: "SparkSession", care: LakeCare, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake, 20, 40)
    monkeypatch.setattr("adapters.lake.care.FILE_BYTES", 1)
    assert care.optimize() == {"files_joined": 0, "files_made": 0}


@pytest.mark.deep
def test_maintenance_changes_no_event_and_keeps_what_a_generation_was_made_from(
    lake: Lake, spark: "SparkSession", care: LakeCare
) -> None:
    fill(lake, 20, 40)
    old = lake.versions()["lake_version"]
    fill(lake, 60)
    care.optimize()
    now = time.time_ns() // 1_000_000
    care.vacuum(0, [old], now)
    assert places(lake.until(both(60), version=old)) == by_tasks(lake, both(60), None, old) == accepted(0, 40)
    assert care.vacuum(0, [], now + 1)["kept_hours"] == 0
    with pytest.raises(Exception, match=r"(?i)does not exist|FileNotFound|FILE_NOT_EXIST"):
        lake.until(both(60), version=old).collect()
    with pytest.raises(SettingsError, match="cannot be read"):
        by_tasks(lake, both(60), None, old)
    assert places(lake.until(both(60))) == by_tasks(lake, both(60)) == accepted(0, 60)
    assert lake.covered(LOG, both(0)) == both(60)
    assert lake.rejected_until(both(60)).count() == 12


@pytest.mark.deep
def test_the_time_for_which_files_stay_covers_the_oldest_version_needed(
    lake: Lake, spark: "SparkSession", care: LakeCare
) -> None:
    fill(lake, 20)
    old = lake.versions()["lake_version"]
    assert care.vacuum(2 * DAY_MS, [old], NOW + 50 * DAY_MS)["kept_hours"] in range(50 * 24 - 1, 50 * 24 + 2)
    properties = spark.sql(f"DESCRIBE DETAIL delta.`{lake.events}`").collect()[0]["properties"]
    assert properties["delta.logRetentionDuration"] == properties["delta.deletedFileRetentionDuration"]
    assert properties["delta.logRetentionDuration"] in ("interval 57 days", "interval 58 days")


@pytest.mark.deep
def test_offsets_are_found_behind_any_number_of_other_commits_and_without_their_own(
    lake: Lake, spark: "SparkSession", care: LakeCare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake, 20)
    care.vacuum(0, [], NOW + 2 * DAY_MS)  # long after the last ingest
    monkeypatch.setattr(lake_module, "RECENT_COMMITS", 1)
    assert lake.covered(LOG, both(0)) == both(20)
    note = json.dumps(lake.newest_note())
    spark.sql(  # a history of its own
        f"CREATE TABLE delta.`{tmp_path}/other/events` (partition int) USING delta "
        f"TBLPROPERTIES ('{lake_module.NOTE_PROPERTY}' = '{note}')"
    )
    assert Lake(spark, f"{tmp_path}/other").covered(LOG, both(0)) == both(20)
    fill(lake, 40)
    assert lake.covered(LOG, both(0)) == both(40)


def test_a_column_of_a_later_version_is_kept_and_does_not_disturb(lake: Lake, spark: "SparkSession") -> None:
    later = EVENTS_DDL + ", mood string"
    fill(lake, 20)
    fill_by_engine(lake, spark, 40, later, "cheerful")
    fill(lake, 60)  # by an earlier version again
    events = lake.until(both(60))
    assert events.columns == [part.split()[0] for part in EVENTS_DDL.split(", ")]
    assert places(events) == by_tasks(lake, both(60)) == accepted(0, 60)
    moods = {
        row["mood"]: row["count"]
        for row in spark.read.format("delta").load(lake.events).groupBy("mood").count().collect()
    }
    assert moods == {"cheerful": 36, None: 72}


def test_a_lake_of_an_earlier_version_is_read_and_filled_on(lake: Lake, spark: "SparkSession") -> None:
    earlier = ", ".join(part for part in EVENTS_DDL.split(", ") if not part.startswith(LATER))
    fill_by_engine(lake, spark, 20, earlier)
    assert {row["category"] for row in lake.until(both(20)).collect()} == {None}
    fill(lake, 40)
    assert {row["category"] for row in lake.until(both(40), both(20)).collect()} == {"c"}
    assert places(lake.until(both(40))) == by_tasks(lake, both(40)) == accepted(0, 40)


def test_a_lake_from_before_partitions_had_folders_is_filled_on(
    lake: Lake, spark: "SparkSession", care: LakeCare
) -> None:
    note = '{"log": {"cluster_id": "cluster", "topic_id": "topic", "partitions": 2}, "offsets": {"0": 20, "1": 20}}'
    rows = [
        ("events", p, o, 1, f"e{o}", 2, "view", "u", "i", None, None, "{}", *[None] * 3) for p, o in accepted(0, 20)
    ]
    spark.createDataFrame(rows, EVENTS_DDL).write.format("delta").option("userMetadata", note).save(lake.events)
    spark.createDataFrame([], REJECTED_DDL).write.format("delta").save(lake.rejected)
    fill(lake, 40, 60)
    care.optimize()
    assert places(lake.until(both(60), both(10))) == by_tasks(lake, both(60), both(10)) == accepted(10, 60)


@pytest.mark.deep
def test_forgotten_users_are_left_out_when_reading_and_then_deleted(
    lake: Lake, spark: "SparkSession", care: LakeCare
) -> None:
    fill(lake, 40)
    gone = {"u3": Mark("u3", 1, 25), "u0": Mark("u0", 0, 11)}  # u0's records were all rejected
    kept = [(p, o) for p, o in accepted(0, 40) if p == 0 or o not in (3, 13, 23)]
    assert places(lake.until(both(40), forgotten=gone)) == by_tasks(lake, both(40), forgotten=gone) == kept
    assert places(lake.until(both(40))) == accepted(0, 40)
    assert care.purge(gone, 2) == {"events_deleted": 3, "rejected_deleted": 2}
    assert places(lake.until(both(40))) == kept
    assert lake.rejected_until(both(40)).count() == 6
    version = lake.versions()
    assert care.purge(gone, 2) == {"events_deleted": 0, "rejected_deleted": 0}
    assert lake.versions() == version
    assert care.purge(gone | {"u4": Mark("u4", 0, 5)}, 3)["events_deleted"] == 1
    assert lake.covered(LOG, both(0)) == both(40)


def test_tasks_read_each_event_as_it_was_stored_and_weigh_it(spark: "SparkSession", tmp_path: Path) -> None:
    lake, rules = Lake(spark, str(tmp_path / "a b+c%d é")), Rules({"rating": "value", "view": 1, "undo": "remove"})
    given = [("view", None), ("rating", 4.5), ("undo", None), ("retired", 2.0), ("rating", None)]
    append(lake, [event(0, o, kind=kind, value=value) for o, (kind, value) in enumerate(given)], [], both(len(given)))
    stored = lake.until(both(9)).orderBy("offset").toArrow().select(STORED_COLUMNS.names).to_pylist()
    read = lake.weighed(lake.stretch(rules, both(9))).orderBy("offset").toArrow().to_pylist()
    one_by_one = [event.weight for event in lake_events(lake, rules, {0: 0}, {0: 9})]
    assert [row.pop("weight") for row in read] == one_by_one == [1000, 4500, REMOVE, 0, 0]
    assert read == stored


def test_a_table_with_features_that_its_files_do_not_tell_of_is_refused(lake: Lake, spark: "SparkSession") -> None:
    fill(lake, 20)
    spark.sql(f"ALTER TABLE delta.`{lake.events}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    with pytest.raises(SettingsError, match="DROP FEATURE"):
        lake.stretch(Rules(), both(20))


def test_a_lake_that_is_not_there_yet_has_no_events_and_needs_no_care(lake: Lake, care: LakeCare) -> None:
    assert by_tasks(lake, both(20)) == []
    assert care.purge({"u": Mark("u", 0, 1)}, 1) == {"events_deleted": 0, "rejected_deleted": 0}
    assert care.optimize() == {"files_joined": 0, "files_made": 0}
    assert care.vacuum(0, [1], NOW) == {"kept_hours": 0, "files": 0, "bytes": 0}


def test_a_second_run_that_looked_at_the_same_lake_adds_nothing(lake: Lake) -> None:
    """Also where both would create it; the files that it wrote are named by no commit."""
    for start, end in ((0, 20), (20, 40)):
        slower = Lake(None, lake.path)
        assert slower.covered(LOG, both(0)) == both(start)
        fill(lake, end)
        with pytest.raises(MillraceError, match="run again"):
            append(slower, [event(0, offset) for offset in range(start, end)], [], both(end))
        assert lake.stretch(Rules(), both(end)).most == len(accepted(0, end))
    assert lake.covered(LOG, both(0)) == both(40)


def test_a_range_without_an_accepted_event_is_covered_all_the_same(lake: Lake) -> None:
    fill(lake, 20)
    lake.covered(LOG, both(0))
    parts = [PartWriter(lake.path, "events", EVENTS, 0).close()]
    lake.append(parts, LOG, both(30))
    assert lake.covered(LOG, both(0)) == both(30)
    assert by_tasks(lake, both(30)) == places(lake.until(both(30))) == accepted(0, 20)


def test_rejected_records_are_counted_once_and_without_those_of_forgotten_users(lake: Lake) -> None:
    fill(lake, 40)
    version = lake.versions()["rejected_version"]
    gone = {"u0": Mark("u0", 1, 25)}
    assert lake.rejected_by_reason(both(40), None, version, {}) == {"malformed": 8}
    assert lake.rejected_by_reason(both(35), both(10), version, {}) == {"malformed": 6}
    assert lake.rejected_by_reason(both(40), None, version, gone) == {"malformed": 5}
    record = {"topic": "events", "partition": 0, "offset": 30, "timestamp": 1, "value": b"x", "reason": "malformed"}
    lake.covered(LOG, both(0))
    append(lake, [event(0, 41)], [record | {"key": b"u0"}], both(50))  # as when a run died between the two commits
    assert lake.rejected_by_reason(both(50), None, None, {}) == {"malformed": 8}


def test_a_path_that_delta_would_take_for_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="percent sign"):
        Lake(None, str(tmp_path / "a%20b")).covered(LOG, both(0))
