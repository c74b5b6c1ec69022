"""Each reason for which events are rejected has a remedy of its own, and what is frequent is a message."""

from dataclasses import replace

import pytest

from core.events.acceptance import parse_event
from core.events.remedies import advice, frequent, remedy
from schemas.event import Rejected
from schemas.rules import Rules
from tests.kit.hostile import hostile

RULES = Rules()
REASONS = sorted(
    {outcome.reason for case in hostile() if isinstance(outcome := parse_event(case.record(RULES), RULES), Rejected)}
)


def test_every_reason_that_acceptance_gives_has_a_remedy_that_names_a_command() -> None:
    assert {"oversize", "malformed", "unknown_kind", "key_mismatch", "misrouted", "invalid:event_time"} < set(REASONS)
    generic = remedy("of another version", RULES)
    assert "rejected export FILE --reason of another version" in generic
    for reason in REASONS:
        text = remedy(reason, RULES)
        assert f"--reason {reason}`" in text
        assert text != generic.replace("of another version", reason), reason


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("invalid:event_time", ("milliseconds", "microseconds", "zone", "--time-format")),
        ("missing:item_id", ("leaves out item_id",)),
        ("invalid:user_id", ("quotes", "256 characters", "control")),
        ("invalid:event_id", ("128 characters",)),
        ("invalid:value", ("without quotes",)),
        ("invalid:context", ("JSON object",)),
        ("unknown_kind", ("setting kinds knows cart, click", "rejected replay --reason unknown_kind")),
        ("key_mismatch", ("sends no key", "key by user_id", "rejected replay --reason key_mismatch")),
        ("misrouted", ("set partitioner to crc32", "batch run --full")),
        ("malformed", ("byte order mark", "serializer")),
        ("oversize", ("65,536",)),
    ],
)
def test_the_remedy_fits_the_reason(reason: str, words: tuple[str, ...]) -> None:
    for word in words:
        assert word in remedy(reason, RULES)


def test_the_remedy_knows_the_settings() -> None:
    assert "set partitioner to murmur2" in remedy("misrouted", replace(RULES, partitioner="crc32"))
    assert "knows {gaze}; add" in remedy("unknown_kind", replace(RULES, kinds={"{gaze}": 1}))


def test_more_than_one_in_a_hundred_is_a_message_and_fewer_are_not() -> None:
    rejected = {"malformed": 10, "oversize": 11, "misrouted": 40}
    assert frequent(rejected, 939) == {"misrouted": 40, "oversize": 11}
    lines = advice(rejected, 939, RULES)
    assert [line.split(":")[0] for line in lines] == [
        "40 of 1,000 events were rejected as misrouted",
        "11 of 1,000 events were rejected as oversize",
    ]
    assert frequent({"malformed": 1}, 0) == {"malformed": 1}
    assert advice({}, 0, RULES) == advice({"malformed": 1}, 100, RULES) == []
