"""The API's link to the log: tried again, whatever one try meets, and silent once its end was asked for."""

import logging
import threading
from pathlib import Path

import pytest

from adapters.settings import Settings
from adapters.stores.memory import MemoryStore
from schemas.errors import LogUnavailable
from serving_layer.routes import link as links
from serving_layer.routes.link import LogLink
from tests.kit.waiting import until


def test_an_error_of_the_system_is_a_reason_and_the_next_try_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def no_file(settings: Settings) -> None:
        tries.append(settings)
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(links, "open_log", no_file)
    monkeypatch.setattr(links, "TRY_AGAIN_SECONDS", 0.01)
    link = LogLink(Settings.of(home=tmp_path), MemoryStore())
    with link.running():
        until(lambda: len(tries) > 2)
        with pytest.raises(LogUnavailable, match="Too many open files"):
            link.log()


def test_the_end_comes_at_once_where_no_broker_answers_and_nothing_is_logged_after_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(threading.enumerate())
    with LogLink(Settings.of(home=tmp_path, kafka="127.0.0.1:1"), MemoryStore()).running():
        opener = next(thread for thread in threading.enumerate() if thread not in before and thread.name == "log")
    opener.join(60)
    assert not opener.is_alive()
    assert not [record for record in caplog.records if record.getMessage().startswith("log away")]


def test_a_failure_after_the_end_is_no_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    link, entered, ended = LogLink(Settings.of(home=tmp_path), MemoryStore()), threading.Event(), threading.Event()

    def closed_under_it(settings: Settings) -> None:
        entered.set()
        ended.wait()
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(links, "open_log", closed_under_it)
    monkeypatch.setattr(links, "STOP_SECONDS", 0.0)
    with link.running():
        entered.wait()
    ended.set()
    link._opener.join()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING and "away" in record.msg]


def test_a_log_that_is_being_opened_at_the_start_is_no_news_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opening, opened = threading.Event(), threading.Event()

    def slowly(settings: Settings) -> None:
        opening.set()
        opened.wait()
        raise OSError(2, "No such broker")

    monkeypatch.setattr(links, "open_log", slowly)
    with LogLink(Settings.of(home=tmp_path), MemoryStore()).running():
        opening.wait()
        assert caplog.records == []
        opened.set()
        until(lambda: any(record.getMessage().startswith("waiting why=") for record in caplog.records))
    assert "it is being opened" not in caplog.text
