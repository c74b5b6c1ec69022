"""With ``--log-format json`` all that a process reports is one JSON object per line."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.terminal.log_lines import JsonFormatter
from adapters.terminal.reporting import JSON, TEXT, note, reporter, say, use_format
from tests.kit.places import ROOT


@pytest.fixture(autouse=True)
def _json() -> Iterator[None]:
    use_format(JSON)
    yield
    use_format(TEXT)


def record(text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("millrace.serving", logging.WARNING, "", 0, text, args, None)


def test_the_keys_of_an_event_are_members() -> None:
    line = json.loads(JsonFormatter().format(record("log away why=%s after_seconds=%.1f", "it's gone", 2.5)))
    assert (line["event"], line["why"], line["after_seconds"]) == ("log away", "it's gone", 2.5)
    assert (line["level"], line["part"]) == ("warning", "serving")
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("text", "args", "event"),
    [
        ("100 % done", (), "100 % done"),
        ("waits for %s since=%s", ("redis", 3), "waits for redis since=3"),
        ("two\nlines\x1b[31m", (), "two\nlines\x1b[31m"),
    ],
)
def test_any_other_sentence_is_the_event_on_one_line(text: str, args: tuple[object, ...], event: str) -> None:
    line = JsonFormatter().format(record(text, *args))
    assert json.loads(line)["event"] == event
    assert "\n" not in line
    assert "\x1b" not in line


def test_sentences_notes_and_errors_of_commands_are_lines_too(capsys: pytest.CaptureFixture[str]) -> None:
    reporter("batch")("a sentence of 100 %")
    note("a note")
    say("it failed by 5 %d")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["a sentence of 100 %", "a note", "it failed by 5 %d"]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]


@pytest.mark.parametrize("command", [["--log-format", "json", "status"], ["status", "--log-format", "json"]])
def test_every_command_takes_the_option_before_and_after_its_name(command: list[str], tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MILLRACE_HOME": str(tmp_path / "none")}
    done = subprocess.run(
        [sys.executable, "-m", "millrace", *command], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "there is nothing in" in json.loads(line)["event"]
