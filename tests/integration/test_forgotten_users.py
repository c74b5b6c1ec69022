"""Marks of forgotten users in a real log, and what is not sent again for their sake."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.log.dead_letters import DeadLetter, bury
from adapters.log.forgotten import Mark, forget, forgotten, marks
from adapters.log.kafka_log import Log
from adapters.stores import open_store
from core.partitions.partitioner import partition_of
from millrace.forget import Trace, summary, trace
from millrace.forget import forget as command
from millrace.rejected.command import unforgotten
from schemas.errors import BadInput
from schemas.event import Record
from schemas.rules import Rules
from serving_layer.reading.views import Views
from tests.kit.serving import event
from tests.kit.small_lambda import SmallLambda, placed

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
    assert [[mark.offset for mark in forgotten(log, n).values()] for n in range(3)] == [[], [3], [4]]
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


def test_an_id_of_which_no_event_is_known_is_said_to_be(tmp_path: Path) -> None:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    views = Views(batch, speed)
    world = SmallLambda(batch, speed, RULES, placed([event(0, "u1", "i"), event(1, "u2", "i")], RULES))
    places = {event.user_id: event.partition for event in world.log}
    assert trace(views, Mark("u1", places["u1"], 1)) == Trace(None, None)  # nothing is published yet
    world.begin()
    world.run_batch(1)
    world.run_speed(2)
    for user, partition in places.items():  # one in the generation, one in the speed view alone
        known = trace(views, Mark(user, partition, 1))
        assert known == Trace(True, 0)
        assert summary(Mark(user, partition, 1), known).startswith("marked; the user is forgotten when the next full")
    nobody = Mark("U1", places["u1"], 8)
    unknown = trace(views, nobody)
    assert unknown == Trace(False, 8 - world.control.boundaries[-1].offsets[places["u1"]])
    message = summary(nobody, unknown)
    assert message.startswith("no accepted event of user 'U1' is known: is the id right?")
    assert "The mark is set all the same, which covers 7 records of its partition that are not applied yet" in message
    batch.close()
    speed.close()


def test_the_command_marks_in_advance_and_says_what_it_knows(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HOME": str(tmp_path / "home"), "KAFKA": log.bootstrap, "TOPIC_PREFIX": log.topics.events.removesuffix("events")
    }.items():  # fmt: skip
        monkeypatch.setenv(f"MILLRACE_{name}", value)
    done = CliRunner().invoke(command, ["nobody", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout).items() >= {"user_id": "nobody", "offset": 0, "known": None}.items()
    assert "is unknown now" in CliRunner().invoke(command, ["nobody"]).stdout
    assert len(marks(log)) == 2
