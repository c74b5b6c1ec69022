"""Text of others is shown as it is and never acts on the screen."""

import logging
import re
import unicodedata
from typing import Any

import pytest

from adapters.terminal.reporting import PlainFormatter, line, logger, reporter
from core.text.visible import visible
from millrace.rejected.command import show

ACTS = {"Cc", "Cs", "Zl", "Zp"}


def test_every_character_that_acts_on_a_screen_is_an_escape_and_every_other_stays() -> None:
    for code in range(0x110000):
        character = chr(code)
        shown = visible(character)
        if unicodedata.category(character) in ACTS or unicodedata.bidirectional(character) in {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"
        }:  # fmt: skip
            assert re.fullmatch(r"\\(x..|u....|[nrt])", shown), hex(code)
        elif unicodedata.category(character) not in {"Cf", "Cn", "Co"}:
            assert shown == character


def test_letters_are_spelled_with_joiners() -> None:
    for word in ("می‌خواهم", "👩‍🔬", "Müller & Söhne [/red] :smile:"):
        assert visible(word) == word


def test_a_line_of_another_cannot_pass_for_one_of_ours() -> None:
    assert line("all well\nmillrace: \x1b[2J") == "all well\n  millrace: \\x1b[2J"
    assert visible("a\nb\tc") == "a\\nb\\tc"


def test_progress_and_logs_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    reporter("batch")("title \x1b]0;owned\x07")
    assert capsys.readouterr().err.endswith("batch: title \\x1b]0;owned\\x07\n")
    record = logging.LogRecord("serving", logging.INFO, "", 0, "failed path=%s", ("/a\x1b[31m\r\nb",), None)
    assert PlainFormatter("%(message)s").format(record) == "failed path=/a\\x1b[31m\\r\n  b"


def test_a_command_reports_sentences_and_logged_events_in_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    reporter("batch")("100% of it")
    logger("catalogue").warning("rejected topic=%s", "items")
    lines = capsys.readouterr().err.splitlines()
    said = [re.sub(r"^ *\d+\.\d s  ", "", text) for text in lines]
    assert said == [
        "batch: 100% of it",
        "catalogue: rejected topic=items",
    ]


def test_rejected_records_are_shown_whatever_they_hold(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    row: dict[str, Any] = {
        "topic": "events[/red]",
        "partition": 0,
        "offset": 1,
        "reason": "invalid:[/red]\x1b[2J",
        "key": "[/red]",
        "value": None,
    }
    show([row, {**row, "value": "[bold]\x1b]0;x\x07"}])
    shown = capsys.readouterr().out
    assert "'[/red]'" in shown
    assert "[bold]\\x1b]0;x\\x07" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("columns", ["80", "140"])
def test_the_reason_and_the_key_of_a_rejected_record_are_never_cut(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    key = "customer-0000-1111-2222"
    row = {"topic": "events", "partition": 0, "offset": 10, "reason": "invalid:event_time", "key": key}
    show([{**row, "value": '{"event_id": "o-1", "event_time": "tomorrow", "kind": "view"}'}])
    shown = capsys.readouterr().out
    assert f"'{key}'" in shown
    assert "invalid:event_time" in shown


def test_no_dead_letters_are_a_sentence_and_no_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    show([])
    assert capsys.readouterr().out.startswith("no rejected records")
