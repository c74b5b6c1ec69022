"""What ``produce`` makes of a file: its form, its objects, and what the layers will say of its lines."""

import codecs
import io
import json
import re
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.files.json_values import on_one_line, split_objects
from datasets.sending.first_lines import HEAD_BYTES, look_at
from datasets.sending.judging import BATCH_LINES, JUDGED_AT_ONCE, Judged, judge_of
from schemas.errors import BadInput
from schemas.rules import Rules

NOW = 1_760_000_000_000
GOOD = {"event_id": "e", "event_time": NOW, "kind": "view", "user_id": "u", "item_id": "i"}
OBJECTS = [GOOD | {"event_id": f"e{n}", "context": {"a": [1, {"b": '}]{[\\"'}]}} for n in range(3)]
LINES = "\n".join(map(json.dumps, OBJECTS)).encode()
PRETTY = "\n".join(json.dumps(entry, indent=2) for entry in OBJECTS).encode()


def lines(content: bytes) -> list[bytes]:
    return list(look_at(io.BytesIO(content), "f", one_per_line=True).lines())


def objects(content: bytes) -> list[object]:
    opened = look_at(io.BytesIO(content), "f", one_per_line=False)
    return [json.loads(raw) for raw in opened.objects() if b"\n" not in raw]


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=6), st.booleans())
def test_after_a_good_first_line_every_line_is_as_it_was(more: list[bytes], ends: bool) -> None:
    expected = [b'{"user_id":"a"}', *more]
    content = b"\n".join(expected) + (b"\n" if ends else b"")
    assert lines(content) == content.removesuffix(b"\n").split(b"\n")


def test_a_first_line_that_cannot_be_read_is_a_line_like_any_other() -> None:
    for first in (b"{not json", b'["user_id"]', b"[1, 2", b"a,b,c", b" ", b"7", b"{" * (HEAD_BYTES + 5), b"\xef\xbb"):
        assert lines(first + b"\n" + LINES) == [first, *LINES.split(b"\n")], first
    assert lines(b"") == []


def test_a_byte_order_mark_is_left_out() -> None:
    opened = look_at(io.BytesIO(codecs.BOM_UTF8 + LINES), "f", one_per_line=True)
    assert opened.had_mark
    assert list(opened.lines()) == LINES.split(b"\n")
    assert objects(codecs.BOM_UTF8 + PRETTY) == OBJECTS


def test_another_form_is_refused_with_the_remedy() -> None:
    arrays = [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=1),
        "[\n" + ",\n".join(map(json.dumps, OBJECTS)) + "]",
        "[]",
    ]
    for text in arrays:
        with pytest.raises(BadInput, match=r"f holds a JSON array, .*`--format json`"):
            lines(b"\n" + text.encode())
    with pytest.raises(BadInput, match=r"over several lines each, .*`--format json`"):
        lines(PRETTY)
    for code in ("utf-16", "utf-16-le", "utf-16-be"):
        for one_per_line in (True, False):
            with pytest.raises(BadInput, match=r"UTF-16, .*iconv"):
                look_at(io.BytesIO(LINES.decode().encode(code)), "f", one_per_line)


@pytest.mark.parametrize("one_per_line", [True, False])
def test_an_archive_is_refused_before_its_bytes_are_sent_as_lines(one_per_line: bool) -> None:
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("events.jsonl", LINES)
    with tarfile.open(fileobj=tarred, mode="w") as tar:
        member = tarfile.TarInfo("events.jsonl")
        member.size = len(LINES)
        tar.addfile(member, io.BytesIO(LINES))
    for content, kind in ((zipped, "zip"), (tarred, "tar")):
        with pytest.raises(BadInput, match=f"f is a {kind} archive: unpack it"):
            look_at(io.BytesIO(content.getvalue()), "f", one_per_line)


def test_lines_that_end_with_a_carriage_return_alone_are_refused_with_the_remedy() -> None:
    with pytest.raises(BadInput, match=r"end with a carriage return alone: .*tr "):
        lines(LINES.replace(b"\n", b"\r"))
    assert [line.rstrip(b"\r") for line in lines(LINES.replace(b"\n", b"\r\n"))] == LINES.split(b"\n")


def test_a_pipe_is_not_read_further_than_its_first_good_line() -> None:
    class Pipe(io.BytesIO):
        def readline(self, size: int | None = -1) -> bytes:
            assert self.tell() == 0, "the second line is not there yet"
            return super().readline(-1 if size is None else size)

    assert look_at(Pipe(LINES), "f", one_per_line=True).head == LINES.split(b"\n")[0] + b"\n"


@pytest.mark.parametrize(
    "text",
    [LINES, PRETTY, json.dumps(OBJECTS).encode(), json.dumps(OBJECTS, indent=3).encode(), b"[" + LINES[:0] + b"]"],
)
def test_objects_are_found_however_they_are_spread(text: bytes) -> None:
    expected = OBJECTS if len(text) > 2 else []
    assert objects(text) == expected
    for size in (1, 2, 7):
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        assert [json.loads(raw) for raw in split_objects(chunks, "f")] == expected


@given(st.dictionaries(st.text(), st.floats(allow_nan=False) | st.text() | st.lists(st.text())), st.integers(0, 4))
def test_only_blanks_between_tokens_go(members: dict[str, object], indent: int) -> None:
    text = json.dumps(members, indent=indent, ensure_ascii=False)
    assert on_one_line(text.encode()) == json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def test_what_is_no_json_is_named_with_its_place() -> None:
    first = json.dumps(OBJECTS[0]).encode()
    for text, sentence in {
        first + b" nonsense " + first: "not JSON after object 1, at 'nonsense'; the 1 before are sent",
        first + first[:-1]: "ends in the middle of object 2; the 1 before are sent",
        first + b' "x': "not JSON after object 1",
        first + b"}": "not JSON after object 1",
        b"[" + first + b",\n" + first: "ends before its array does: it may be cut off; the 2 objects before are sent",
        b"[" + first + b"]\n[" + first + b",": "ends before its array does",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            list(split_objects([text], "f"))


def judged(*lines: object, topic: str = "events") -> Judged:
    judged = Judged(judge_of(topic, Rules(), lambda: NOW), lambda: NOW)
    key_field = {"events": "user_id", "users": "user_id", "items": "item_id"}[topic]
    for line in lines:
        key = line.get(key_field) if isinstance(line, dict) else None
        judged.see(key.encode() if isinstance(key, str) else b"", json.dumps(line).encode())
    judged.finish()
    return judged


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"event_time": "2025-03-04 09:00:00"}, "invalid:event_time 1 .*no time zone"),
        ({"event_time": NOW * 1000}, "looks like microseconds"),
        ({"event_time": NOW * 1_000_000}, "looks like nanoseconds"),
        ({"event_time": NOW // 1000}, "looks like seconds"),
        ({"event_time": NOW + 90_000_000}, "more than a day ahead"),
        ({"event_time": True}, "invalid:event_time"),
        ({"kind": "gaze"}, "unknown_kind 1 .*'gaze' is not among the setting kinds"),
        ({"item_id": None}, "missing:item_id"),
        ({"value": "much"}, "invalid:value 1 .*value is 'much'"),
    ],
)
def test_the_reason_names_what_may_be_wrong(given: dict[str, object], reason: str) -> None:
    line = judged(GOOD | given)
    assert line.nothing_counts
    assert re.search(reason, line.reasons()), line.reasons()


def test_a_bad_line_is_counted_and_named_wherever_it_stands() -> None:
    gaze = GOOD | {"kind": "gaze"}
    for good in (0, 200, JUDGED_AT_ONCE - 1, JUDGED_AT_ONCE + 5, JUDGED_AT_ONCE + BATCH_LINES + 5):
        lines = judged(*[GOOD] * good, "nonsense", gaze, GOOD, gaze)
        assert (lines.judged, lines.nothing_counts) == (good + 4, False)
        assert lines.rejected == {"malformed": 1, "unknown_kind": 2}
        assert lines.first["malformed"] == (good + 1, b'"nonsense"')
        assert f"unknown_kind 2 (first: line {good + 2:,}; kind 'gaze'" in lines.reasons()


def test_lines_of_which_only_a_late_one_counts_are_not_all_rejected() -> None:
    nonsense = ["nonsense"] * (JUDGED_AT_ONCE + 5)
    assert judged(*nonsense).nothing_counts
    assert not judged(*nonsense, GOOD).nothing_counts


def test_catalogue_records_are_judged_by_their_own_rules() -> None:
    assert judged({"item_id": "i", "price": "9.99"}, topic="items").rejected == {"invalid:price": 1}
    assert judged({"item_id": 7}, topic="items").nothing_counts
    assert not judged({"user_id": "u"}, topic="users").rejected
