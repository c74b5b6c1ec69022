"""A run whose events were all rejected is no success; an empty log, no news and a stray record at night are."""

from typing import Any

import pytest

from batch_layer.runs.counted import NothingCounted, require_counted
from schemas.metrics import measured
from schemas.rules import Rules

BAD = {"invalid:event_time": 3, "malformed": 1}


def error(scheduled: bool, **metrics: Any) -> str | None:
    try:
        require_counted("g", measured(metrics), Rules(), scheduled)
    except NothingCounted as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize("scheduled", [True, False])
def test_a_generation_of_rejected_events_alone_is_no_success(scheduled: bool) -> None:
    message = error(scheduled, events=0, rejected=BAD)
    assert message is not None
    assert "none of the 4 events counted: all were rejected, 3 as invalid:event_time, 1 as malformed" in message
    assert "milliseconds since 1970" in message
    assert error(scheduled, events=0, new_events=0, rejected=BAD, new_rejected={}) is not None  # nor the next one


@pytest.mark.parametrize("scheduled", [True, False])
def test_an_empty_log_no_news_and_one_that_counted_are_successes(scheduled: bool) -> None:
    assert error(scheduled, events=0, rejected={}) is None
    assert error(scheduled, events=7, rejected=BAD) is None
    assert error(scheduled, events=7, new_events=0, rejected=BAD, new_rejected={}) is None
    assert error(scheduled, events=7, new_events=1, rejected=BAD, new_rejected=BAD) is None
    assert error(scheduled, events=0) is None  # of a version that did not count them


def test_by_hand_the_new_events_must_count_and_on_a_schedule_a_stray_record_may_not() -> None:
    metrics = {"events": 7, "new_events": 0, "rejected": {"malformed": 5}, "new_rejected": {"malformed": 1}}
    assert error(True, **metrics) is None
    message = error(False, **metrics)
    assert message is not None
    assert "none of the 1 new events counted: all were rejected, 1 as malformed" in message
