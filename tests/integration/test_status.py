"""What ``status`` says of a rollback, the gate, users who wait to be forgotten, rejected events and a new epoch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.log.forgotten import forget
from adapters.log.kafka_log import Log
from adapters.records.books import CATALOGUE, generation_book
from adapters.records.control import Applied
from adapters.settings import Settings
from adapters.stores import open_store
from core.control.changes import new_epoch, publish, rollback
from core.rows.codec import Facts, pack_facts
from core.rows.views import FACTS, FACTS_KEY
from schemas.control import Generation
from schemas.rules import Rules
from serving_layer.answers.status import status
from serving_layer.reading.views import Views
from tests.kit.serving import event
from tests.kit.small_lambda import SmallLambda, placed

RULES = Rules()
GATE = {"gate": {"passed": False, "reasons": ["it holds 1 events, the active one 9"]}}


@dataclass
class Installation:
    """Both layers over two real stores, with a generation of one event."""

    world: SmallLambda
    settings: Settings

    def status(self, log: Log | None = None) -> dict[str, Any]:
        return status(Views(self.world.batch, self.world.speed), self.settings, log, 0)

    def messages(self, *words: str) -> list[str]:
        return [message for message in self.status()["messages"] if all(word in message for word in words)]

    def publish(self, name: str, activate: bool, **more: Any) -> None:
        """A generation that ends where the last boundary is."""
        boundary = self.world.control.boundaries[-1]
        made = Generation(name, boundary, RULES.fingerprint(), 0, **more)
        self.world._control(publish(self.world.control, made, activate))


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed([event(0, "u", "i"), event(1, "v", "i")], RULES))
    world.begin()
    world.run_batch(1)
    yield Installation(world, Settings(home=tmp_path))
    batch.close()
    speed.close()


def test_a_rollback_that_holds_is_said_with_the_way_out(installation: Installation) -> None:
    assert installation.status()["held"] is False
    assert installation.messages("rollback") == []
    world = installation.world
    first = world.control.active
    world.run_batch(2)
    world._control(rollback(world.control, first))
    assert installation.status()["held"] is True
    assert len(installation.messages(f"a rollback holds {first}", "`millrace rollback --release`")) == 1


def test_refusals_in_a_row_are_counted_with_the_reasons_until_one_serves(installation: Installation) -> None:
    for k in range(1, 7):
        installation.publish(f"refused-{k}", False, metrics=GATE)
        assert installation.status()["refused_in_a_row"] == k
    words = ("the last 6 generations", "it holds 1 events", "`millrace batch run`", "`millrace rollback refused-6`")
    assert len(installation.messages(*words)) == 1
    installation.publish("good", True, metrics={"gate": {"passed": True, "reasons": []}})
    assert installation.status()["refused_in_a_row"] == 0
    assert installation.messages("the gate refused") == []
    installation.publish("refused-7", False, metrics=GATE)
    assert len(installation.messages("the gate refused the newest generation")) == 1
    installation.world._control(rollback(installation.world.control, "refused-7"))  # activated all the same
    assert installation.messages("the gate refused") == []


def test_what_the_gate_warned_of_is_said_while_that_generation_serves(installation: Installation) -> None:
    installation.publish("g", True, metrics={"gate": {"passed": True, "reasons": [], "warnings": ["NDCG@10 fell"]}})
    assert installation.messages("generation g: NDCG@10 fell") != []


def test_a_new_epoch_that_has_not_begun_is_said_with_the_reason(installation: Installation) -> None:
    world = installation.world
    world._control(new_epoch(world.control))
    world.position = replace(world.position, epoch=world.control.epoch)
    world._position(world.position)
    assert (installation.status()["epoch_pending"], installation.messages("epoch")) == (None, [])
    world._control(new_epoch(world.control))
    reported = installation.status()
    assert reported["epoch_pending"].startswith("the speed store is of epoch 1, the control record of 2")
    assert len(installation.messages("a new epoch of the speed layer is pending", "`millrace speed run`")) == 1


def test_each_reason_that_rejects_many_events_has_its_remedy(installation: Installation) -> None:
    world = installation.world
    book = generation_book(world.control.active or "")
    rejected = {"invalid:event_time": 6, "unknown_kind": 3, "key_mismatch": 2, "malformed": 1}
    world.batch.put(book, {(FACTS, FACTS_KEY): pack_facts(Facts(as_of=1, events=100, rejected=rejected))})
    reported = installation.status()
    assert (reported["rejected"], reported["rejected_by_reason"]) == (12, rejected)
    assert [message.split(":")[0] for message in reported["messages"][:3]] == [
        "6 of 112 events were rejected as invalid",
        "3 of 112 events were rejected as unknown_kind",
        "2 of 112 events were rejected as key_mismatch",
    ]
    assert installation.messages("microseconds") != []
    assert installation.messages("malformed") == []  # fewer than one in a hundred


@pytest.mark.kafka
def test_users_who_wait_to_be_forgotten_are_counted_since_the_first_mark(installation: Installation, log: Log) -> None:
    assert installation.status(log)["forgotten_waiting"] == 0
    for user, at in (("u", 86_400_000), ("v", 90_000_000), ("u", 99_000_000)):
        forget(log, RULES, user, at)
    assert installation.status(log)["forgotten_waiting"] == 2
    [message] = [message for message in installation.status(log)["messages"] if "to be forgotten" in message]
    assert message.startswith("2 users wait to be forgotten, the first since 1970-01-02T00:00:00Z: run `millrace batch")
    installation.publish("refused", False, metrics=GATE, forgotten=3)
    [message] = [message for message in installation.status(log)["messages"] if "to be forgotten" in message]
    assert "generation refused forgets them and is not active, as the gate refused it" in message
    installation.publish("full", True, forgotten=3)
    assert installation.status(log)["forgotten_waiting"] == 0
    assert installation.status(None)["forgotten_waiting"] is None


def test_rejected_records_of_the_catalogue_are_counted_apart_by_reason(installation: Installation) -> None:
    assert (installation.status()["rejected_catalogue"], installation.messages("items and users")) == ({}, [])
    applied = Applied(rejected={"items": {"malformed": 2, "invalid:price": 1}, "users": {"malformed": 1}})
    installation.world.speed.swap(CATALOGUE, None, applied.to_json())
    reported = installation.status()
    assert reported["rejected_catalogue"] == {"malformed": 3, "invalid:price": 1}
    assert (reported["rejected"], reported["rejected_by_reason"]) == (0, {})
    assert len(installation.messages("4 records of items and users", "malformed 3", "`millrace rejected list")) == 1


def test_a_speed_store_of_another_log_is_said_with_the_way_out(installation: Installation) -> None:
    world = installation.world
    assert installation.messages("another log") == []
    world._position(replace(world.position, log=replace(world.control.log, topic_id="theirs")))
    assert "speed" in installation.status()["degraded"]
    assert len(installation.messages("belong to another log", "?prefix=")) == 1
