"""Marks of forgotten users in a real log, and what is not sent again for their sake."""

import json

import pytest

from adapters.dead_letters import DeadLetter, bury
from adapters.forgotten import Mark, forget, forgotten, marks
from adapters.log import Log
from core.partitioner import partition_of
from millrace.rejected import unforgotten
from schemas.errors import BadInput
from schemas.event import Record
from schemas.rules import Rules

pytestmark = [pytest.mark.kafka]

RULES = Rules()


def test_a_mark_names_the_end_of_the_users_partition_and_deletes_their_record(log: Log) -> None:
    partition = partition_of("ü/1".encode(), RULES.partitioner, RULES.partitions)
    appender = log.appender()
    appender.append_all(log.topics.events, [("ü/1".encode(), b"{}")] * 3)
    assert forget(log, RULES, "ü/1", now=7) == Mark("ü/1", partition, 3, 7)
    appender.append_all(log.topics.events, [("ü/1".encode(), b"{}")])
    forget(log, RULES, "ü/1", now=8)
    assert marks(log) == [Mark("ü/1", partition, 3, 7), Mark("ü/1", partition, 4, 8)]
    assert [[each.offset for each in forgotten(log, n).values()] for n in range(3)] == [[], [3], [4]]
    users = list(log.read(log.topics.users, {0: 0}, log.end_offsets(log.topics.users)))
    assert [(record.key, record.value) for record in users] == [("ü/1".encode(), None)] * 2
    for nobody in ("", "x" * 257):
        with pytest.raises(BadInput, match="256"):
            forget(log, RULES, nobody, now=9)


def test_dead_letters_of_a_forgotten_user_are_not_shown_or_sent_again(log: Log) -> None:
    appender = log.appender()
    for offset, (key, user, timestamp) in enumerate(
        [(b"u1", "u1", 1000), (b"other", "u1", 1000), (b"u2", "u2", 1000), (None, "u2", 1000), (b"u1", "u1", 3000)]
    ):
        value = json.dumps({"user_id": user}).encode()
        bury(appender, log, DeadLetter(Record("events", 0, offset, timestamp, key, value), "unknown_kind"))
    appender.flush()
    assert len(list(unforgotten(log))) == 5
    forget(log, RULES, "u1", now=2000)
    assert [letter.record.offset for letter in unforgotten(log)] == [2, 3, 4]
