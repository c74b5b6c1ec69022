"""A thread of ours that outlives its test is found, and so is where a command in this process sent its reports."""

import logging
import threading

import pytest

from adapters.records.catalogue import CatalogueFollower
from adapters.stores.memory import MemoryStore
from adapters.terminal.reporting import JSON, reporter, use_format, writes_json
from schemas.errors import LogUnavailable
from tests.kit import leftovers
from tests.kit.leftovers import nothing_left


def no_log() -> None:
    raise LogUnavailable("there is none")


def test_a_thread_left_behind_fails_the_test_that_left_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PATIENCE_SECONDS", 0.0)
    follower = CatalogueFollower(no_log, MemoryStore())  # type: ignore[arg-type]
    said = r"test_b left threads behind that do not end: catalogue"
    with pytest.raises(AssertionError, match=said), nothing_left("test_b"):
        follower.start()
    with nothing_left("test_c"):  # it is another test's
        follower.stop()


def test_one_that_ends_by_itself_and_one_of_others_are_none() -> None:
    ended = threading.Event()
    others = threading.Thread(target=ended.wait)
    with nothing_left("test_b"):
        others.start()
    ended.set()
    others.join()


def test_a_report_of_a_command_here_does_not_change_the_next_test() -> None:
    with nothing_left("test_b"):
        reporter("batch")
        use_format(JSON)
    ours = logging.getLogger("millrace")
    assert (ours.handlers, ours.propagate, ours.level, writes_json()) == ([], True, logging.NOTSET, False)
