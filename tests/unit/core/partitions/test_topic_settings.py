"""How topics are set: one good set, with one setting broken at a time."""

from dataclasses import replace
from typing import Any

import pytest

from core.partitions.topic_settings import UNLIMITED, Finding, TopicState, judge

ROLES = ("events", "items", "users", "dead_letters", "forgotten")
WEEK_MS = 7 * 86_400_000


def good(role: str) -> TopicState:
    policy = "compact" if role in ("items", "users") else "delete"
    keeps = WEEK_MS if policy == "compact" else UNLIMITED  # Kafka's default, which compaction ignores
    size = 9 << 20 if role == "dead_letters" else 1 << 20
    return TopicState(role, frozenset([policy]), keeps, UNLIMITED, size, 3)


def judged(role: str = "events", retention_ms: int = UNLIMITED, brokers: int = 3, **changed: Any) -> list[Finding]:
    states = {name: good(name) for name in ROLES}
    return judge({**states, role: replace(states[role], **changed)}, retention_ms, brokers)


def test_topics_as_millrace_makes_them_are_well() -> None:
    assert judged() == []
    assert judged(retention_ms=WEEK_MS) == []
    assert judge({}, UNLIMITED, 1) == []


@pytest.mark.parametrize("role", ["events", "dead_letters", "forgotten"])
@pytest.mark.parametrize("policy", [["compact"], ["compact", "delete"]])
def test_a_compacted_topic_of_records_that_all_count_is_fatal(role: str, policy: list[str]) -> None:
    (finding,) = judged(role, policy=frozenset(policy))
    assert finding.fatal
    assert f"--topic {role} --add-config cleanup.policy=delete" in finding.text
    assert "events are lost" in finding.text


def test_a_finite_retention_that_nobody_asked_for_is_said_in_days() -> None:
    asked = {"events": replace(good("events"), retention_ms=WEEK_MS)}
    (finding,) = judge(asked, UNLIMITED, 1)
    assert not finding.fatal
    assert "7 days" in finding.text
    assert "retention.ms=-1" in finding.text
    assert "retention_ms of Millrace" in finding.text
    assert judge(asked, WEEK_MS, 1) == []
    assert len(judge(asked, 2 * WEEK_MS, 1)) == 1
    assert len(judge({"forgotten": replace(good("forgotten"), retention_ms=WEEK_MS)}, WEEK_MS, 1)) == 1


@pytest.mark.parametrize(
    ("retention_ms", "said"),
    [
        (60_000, "1 minute "),
        (500, "500 ms "),
        (90_000, "1.5 minutes "),
        (3_600_000, "1 hour "),
        (WEEK_MS * 53, "371 days "),
    ],
)
def test_a_retention_is_said_in_the_unit_that_fits(retention_ms: int, said: str) -> None:
    (finding,) = judge({"events": replace(good("events"), retention_ms=retention_ms)}, UNLIMITED, 1)
    assert f"keeps records for {said}(retention.ms={retention_ms})" in finding.text


def test_a_limit_in_bytes_is_said() -> None:
    (finding,) = judged(retention_bytes=1 << 30)
    assert "retention.bytes=-1" in finding.text


@pytest.mark.parametrize("role", ["items", "users"])
def test_a_catalogue_topic_that_deletes_is_said(role: str) -> None:
    (finding,) = judged(role, policy=frozenset(["delete"]))
    assert "descriptions are removed after 7 days" in finding.text
    assert "cleanup.policy=compact" in finding.remedy
    assert len(judged(role, policy=frozenset(["compact", "delete"]))) == 1
    (finding,) = judge({role: replace(good(role), policy=frozenset(["delete"]), retention_ms=UNLIMITED)}, -1, 1)
    assert "every earlier description is kept" in finding.text


def test_a_topic_that_takes_no_whole_batch_is_said() -> None:
    assert "max.message.bytes=1048588" in judged("items", max_message_bytes=100_000)[0].remedy


def test_dead_letters_must_take_the_largest_event_and_its_headers() -> None:
    (finding,) = judged("dead_letters", max_message_bytes=1 << 20)
    assert f"max.message.bytes={(1 << 20) + 65_536}" in finding.remedy


def test_one_copy_on_several_brokers_is_said_and_on_one_it_is_not() -> None:
    assert "one copy" in judged(replication=1)[0].text
    assert judged(replication=1, brokers=1) == []


def test_what_is_fatal_comes_first() -> None:
    states = {
        "items": replace(good("items"), replication=1),
        "events": replace(good("events"), policy=frozenset(["compact"])),
    }
    assert [finding.fatal for finding in judge(states, UNLIMITED, 3)] == [True, False]
