"""How far a proof is, as a file says it."""

import json
from pathlib import Path

import pytest

from millrace.proof.watched import Watched
from schemas.errors import MillraceError
from serving_layer.proof.report import REPORTED_EVERY, Report


def test_a_report_calls_its_watcher_while_it_compares_and_prints_without_it() -> None:
    seen: list[int] = []
    report = Report(watch=lambda report: seen.append(report.sums))
    for value in range(2 * REPORTED_EVERY + 1):
        report.compare("sum", value, value)
    assert seen == [REPORTED_EVERY, 2 * REPORTED_EVERY]
    assert "watch" not in report.as_json()


def test_the_file_says_what_is_done_how_much_and_how_it_ended(tmp_path: Path) -> None:
    path, said = tmp_path / "state.json", []

    def state() -> dict[str, object]:
        return dict(json.loads(path.read_text()))

    with Watched(path, said.append) as watched:
        assert state()["outcome"] == "running"
        watched.say("comparing")
        assert (state()["phase"], said) == ("comparing", ["comparing"])
        report = Report(sums=3, items=1)
        watched.reached(report)
        assert watched.ended(report) is report
    assert (state()["outcome"], state()["sums"], state()["items"]) == ("proved", 3, 1)


def test_an_error_is_in_the_file_and_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with pytest.raises(MillraceError), Watched(path, str):
        raise MillraceError("the log is away")
    state = json.loads(path.read_text())
    assert (state["outcome"], state["error"]) == ("failed", "the log is away")


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    with Watched(None, str) as watched:
        assert watched.ended(Report(sums=1)).proved
    assert list(tmp_path.iterdir()) == []
