"""Speed layers of several logs over the stores of one folder, without an engine."""

from pathlib import Path

from adapters.log.kafka_log import Topics
from adapters.records.control import open_control
from adapters.stores import ViewStore, open_store
from schemas.control import LogIdentity
from schemas.rules import Rules
from speed_layer.driver import SpeedDriver
from speed_layer.steps.micro_batch import Places

RULES = Rules(partitions=2)
OURS, THEIRS = LogIdentity("cluster", "ours", 2), LogIdentity("cluster", "theirs", 2)


def speed_store(folder: Path) -> ViewStore:
    return open_store(f"sqlite:///{folder}/speed.sqlite")


def driver(folder: Path, log: LogIdentity) -> SpeedDriver:
    """The speed layer of an installation whose batch views are its own; the speed store is the folder's."""
    batch = open_store(f"sqlite:///{folder}/{log.topic_id}.sqlite")
    open_control(batch, log, {0: 0, 1: 0}, RULES)
    places = Places("", "", "", Topics(), {}, 2000)
    return SpeedDriver(batch, speed_store(folder), RULES, places, "me", lambda _: None)
