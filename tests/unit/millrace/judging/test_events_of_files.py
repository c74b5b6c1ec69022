"""The events of a file that an evaluation judges: those that the log would accept, each once."""

import json
import time
from pathlib import Path

import pytest

from millrace.judging.events import in_file
from schemas.errors import BadInput
from schemas.rules import Rules

HOUR_MS = 3_600_000


def event(event_id: str, user: str = "u", **given: object) -> str:
    fields = {"event_id": event_id, "event_time": 1_700_000_000_000, "kind": "view", "user_id": user, "item_id": "i"}
    return json.dumps({**fields, **given})


def written(folder: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    (folder / "events.jsonl").write_text("\n".join(lines), encoding=encoding)
    return folder / "events.jsonl"


def test_of_events_with_one_id_of_a_user_the_first_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, [event("a"), event("b"), event("a", item_id="other"), event("a", user="v")])
    events = in_file(path, Rules())
    rows = zip(*(events.column(name).to_pylist() for name in ("user", "event_id", "item_id")), strict=True)
    assert list(rows) == [("u", "a", "i"), ("u", "b", "i"), ("v", "a", "i")]
    assert "1 events are duplicates" in capsys.readouterr().err


def test_what_the_log_refuses_is_named_with_its_first_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = int(time.time() * 1000) + 48 * HOUR_MS
    path = written(tmp_path, [event("a"), event("b", event_time=later), event("c", kind="stare"), event("d", kind="x")])
    assert in_file(path, Rules()).num_rows == 1
    said = capsys.readouterr().err
    assert "3 of 4 lines are no acceptable events: unknown_kind 2 (first: line 3" in said
    assert "invalid:event_time 1 (first: line 2" in said


@pytest.mark.parametrize(
    ("lines", "encoding", "said"),
    [
        (["{}", '{"kind": "view"}'], "utf-8", "none of the 2 lines of .* missing:"),
        ([event("a")], "utf-16", "UTF-16"),
    ],
    ids=["all refused", "UTF-16"],
)
def test_a_file_without_an_acceptable_event_is_refused_with_the_reason(
    tmp_path: Path, lines: list[str], encoding: str, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        in_file(written(tmp_path, lines, encoding), Rules())


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    assert in_file(written(tmp_path, []), Rules()).num_rows == 0
