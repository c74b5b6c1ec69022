"""``produce`` and ``import`` into a real broker: order, bytes, keys, acknowledgements, rate."""

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.broker.opening import open_log
from adapters.log.kafka_log import Log
from adapters.settings import load_settings
from core.events.acceptance import parse_event
from datasets.importing.cli import import_
from datasets.sending.cli import produce
from datasets.synthetic.cli import generate
from schemas.event import Event, Record
from schemas.rules import Rules

pytestmark = pytest.mark.kafka
REST = '"event_id":"e","event_time":1760000000000,"kind":"view","item_id":"i"'
GOOD = f'{{"user_id":"a",{REST}}}'.encode()
UNREADABLE = [b"{not json", b'{"item_id":"1"}', b'{"user_id":7}', b'["user_id"]', b'{"user_id":"a"', b"\xff\xfe", b" "]


@pytest.fixture(autouse=True)
def _settings_name_the_log(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_KAFKA", log.bootstrap)
    monkeypatch.setenv("MILLRACE_TOPIC_PREFIX", log.topics.events.removesuffix("events"))


def run(command: Any, *arguments: object, stdin: bytes | None = None, status: int = 0) -> dict[str, Any]:
    result: Result = CliRunner().invoke(command, [*map(str, arguments), "--json"], input=stdin, catch_exceptions=False)
    assert result.exit_code == status, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def records(log: Log, topic: str | None = None) -> list[Record]:
    topic = topic or log.topics.events
    return list(log.read(topic, log.start_offsets(topic), log.end_offsets(topic)))


def test_every_line_arrives_unchanged_and_in_order_for_its_key(log: Log, tmp_path: Path) -> None:
    odd = f' {{"user_id" : "u%d",\t"n":%d, "ü":"\\u00e9", "user\\u005fid":"u%d", {REST}}}  '
    lines = [(odd % (n % 7, n, n % 7)).encode() for n in range(5_000)]
    (tmp_path / "f.jsonl").write_bytes(b"\n".join(lines))
    assert run(produce, tmp_path / "f.jsonl") | {"seconds": 0} == {
        "topic": log.topics.events,
        "acknowledged": 5_000,
        "without_key": 0,
        "empty": 0,
        "rejected": {},
        "seconds": 0,
    }
    arrived = defaultdict(list)
    for record in records(log):
        arrived[record.key].append(record.value)
    expected = defaultdict(list)
    for n, line in enumerate(lines):
        expected[b"u%d" % (n % 7)].append(line)
    assert arrived == expected


def test_unreadable_lines_go_out_with_an_empty_key(log: Log, tmp_path: Path) -> None:
    good = GOOD.replace(b'"a"', b'"\xc3\xbc/1"') + b"\r"
    (tmp_path / "f.jsonl.gz").write_bytes(gzip.compress(b"\n".join([*UNREADABLE, b"", good, b""]) + b"\n"))
    report = run(produce, tmp_path / "f.jsonl.gz")
    assert (report["acknowledged"], report["without_key"], report["empty"]) == (len(UNREADABLE) + 1, len(UNREADABLE), 2)
    by_value = {record.value: record.key for record in records(log)}
    assert by_value == {**dict.fromkeys(UNREADABLE, b""), good: "ü/1".encode()}


def test_items_and_users_go_to_their_topics_under_their_keys(log: Log) -> None:
    run(produce, "-", "--topic", "items", stdin=b'{"item_id":"i1","user_id":"no"}\n')
    run(produce, "-", "--topic", "users", stdin=b'{"item_id":"no","user_id":"u1"}\n')
    assert [record.key for record in records(log, log.topics.items)] == [b"i1"]
    assert [record.key for record in records(log, log.topics.users)] == [b"u1"]
    assert records(log) == []


def test_a_second_run_sends_all_again(log: Log) -> None:
    for _ in range(2):
        run(produce, "-", stdin=GOOD + b"\n")
    assert len(records(log)) == 2


def test_a_rate_is_kept_steadily(log: Log) -> None:
    lines = b"".join(GOOD.replace(b"{", b'{"n":%d,' % n) + b"\n" for n in range(51))
    report = run(produce, "-", "--rate", "50", stdin=lines)
    times = [record.timestamp for record in records(log)]
    assert times == sorted(times)
    assert 950 <= times[-1] - times[0] <= 1_500
    assert times[25] - times[0] == pytest.approx(500, abs=200)
    assert report["seconds"] >= 1.0


def test_a_damaged_archive_sends_what_it_holds_and_says_so(log: Log, tmp_path: Path) -> None:
    lines = [b'{"user_id":"%s"}' % bytes(f"{n * 7919 % 10_007:05d}", "ascii") for n in range(20_000)]
    whole = gzip.compress(b"\n".join(lines))
    (tmp_path / "f.gz").write_bytes(whole[: len(whole) // 2])
    result = CliRunner().invoke(produce, [str(tmp_path / "f.gz")])
    assert result.exit_code == 1
    assert "f.gz is damaged" in result.stderr
    arrived = {record.value for record in records(log)}
    assert 1_000 < len(arrived) < len(lines)
    assert arrived <= set(lines)


def test_what_cannot_count_is_sent_and_is_no_success(log: Log, tmp_path: Path) -> None:
    """Times without a zone, as feedback of other systems has them; each line is a dead letter downstream."""
    naive = GOOD.replace(b"1760000000000", b'"2025-03-04 09:00:00"')
    (tmp_path / "f.jsonl").write_bytes(b"\n".join([naive] * 3))
    result = CliRunner().invoke(produce, [str(tmp_path / "f.jsonl")])
    assert result.exit_code == 1
    assert "none of the 3 lines sent counts" in result.stderr
    assert "invalid:event_time 3" in result.stderr
    assert "no time zone" in result.stderr
    assert [record.value for record in records(log)] == [naive] * 3
    assert run(produce, "-", stdin=naive + b"\n" + GOOD)["acknowledged"] == 2
    late = CliRunner().invoke(produce, ["-"], input=(GOOD + b"\n") * 1_500 + naive)
    assert late.exit_code == 0
    assert "1 of the 1,501 lines sent will be rejected: invalid:event_time 1 (first: line 1,501" in late.stderr
    assert run(produce, "-", stdin=b"nonsense\n", status=1)["without_key"] == 1


def test_nothing_is_sent_of_a_file_of_another_form_or_of_an_empty_one(log: Log, tmp_path: Path) -> None:
    array, pretty = b"[\n" + GOOD + b",\n" + GOOD + b"\n]", json.dumps([json.loads(GOOD)] * 2, indent=2).encode()
    for content in (array, pretty[1:-1], GOOD.decode().encode("utf-16"), b"", b"\n\n"):
        (tmp_path / "f.jsonl").write_bytes(content)
        result = CliRunner().invoke(produce, [str(tmp_path / "f.jsonl")])
        assert result.exit_code == 1, content
        assert result.stderr.startswith("millrace: "), result.stderr
    assert records(log) == []
    for content in (array, pretty):
        assert run(produce, "-", "--format", "json", stdin=content)["acknowledged"] == 2
    assert [json.loads(record.value or b"") for record in records(log)] == [json.loads(GOOD)] * 4
    assert {record.key for record in records(log)} == {b"a"}


def test_a_byte_order_mark_costs_no_event(log: Log) -> None:
    run(produce, "-", stdin=b"\xef\xbb\xbf" + GOOD + b"\n" + GOOD)
    assert [(record.key, record.value) for record in records(log)] == [(b"a", GOOD)] * 2


def test_generated_events_pass_the_parser_where_they_lie(log: Log, tmp_path: Path) -> None:
    run(generate, "--users", 200, "--items", 80, "--events", 3_000, "--out", tmp_path / "f.jsonl")
    run(produce, tmp_path / "f.jsonl")
    run(produce, tmp_path / "items.jsonl", "--topic", "items")
    outcomes = [parse_event(record, Rules()) for record in records(log)]
    assert len(outcomes) == 3_000
    assert all(isinstance(outcome, Event) for outcome in outcomes)
    assert len(records(log, log.topics.items)) == 80


def test_an_import_in_two_shares_sends_each_event_once_in_time_order(log: Log, tmp_path: Path) -> None:
    header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
    rows = [f"2019-10-01 00:{59 - n:02d}:00 UTC,view,{n},9,a.b,acme,5,{n % 3},s" for n in range(60)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([header, *rows, "cut"]), encoding="utf-8")
    first = run(import_, "rees46", path, "--until-fraction", 0.7)
    assert (first["events"], first["items"], first["dropped"]) == (42, 60, {"cut row": 1})
    newest = max(json.loads(record.value or b"")["event_time"] for record in records(log))
    rest = run(import_, "rees46", path, "--from-fraction", 0.7, "--events-only")
    assert (rest["events"], rest["items"]) == (18, 0)
    events = [parse_event(record, Rules()) for record in records(log)]
    assert len({event.event_id for event in events if isinstance(event, Event)}) == 60
    assert sum(isinstance(event, Event) and event.event_time > newest for event in events) == 18
    for user in "012":
        mine = [event.event_time for event in events if isinstance(event, Event) and event.user_id == user]
        assert mine == sorted(mine)


def test_an_import_to_a_file_holds_the_same_as_one_to_the_log(log: Log, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("u,i,t\n7,8,1457963676\n", encoding="utf-8")
    options = ("csv", tmp_path / "in.csv", "--user", "u", "--item", "i", "--time", "t", "--time-format", "epoch-s")
    report = run(import_, *options, "--out", tmp_path / "out.jsonl")
    run(import_, *options)
    assert [record.value for record in records(log)] == (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert report["events"] == 1
    assert not (tmp_path / "items.jsonl").exists()


def test_wrong_usage_exits_2(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,i,t\n")
    for arguments in (
        ("csv", tmp_path / "a.csv", "--user", "u"),
        ("rees46", tmp_path / "a.csv", "--item", "i"),
        ("rees46", tmp_path / "a.csv", "--kind-map", "view"),
    ):
        result = CliRunner().invoke(import_, [*map(str, arguments)])
        assert result.exit_code == 2


def test_opening_makes_the_topics_that_the_settings_name(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = f"{log.topics.events}-other-"
    monkeypatch.setenv("MILLRACE_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("MILLRACE_PARTITIONS", "3")
    with open_log(load_settings()) as opened:
        assert opened.topics.events == f"{prefix}events"
        assert set(opened.end_offsets()) == {0, 1, 2}
