"""Following the catalogue goes on, whatever one try meets."""

from adapters.log.kafka_log import Log
from adapters.records.catalogue import CatalogueFollower
from adapters.stores.memory import MemoryStore
from tests.kit.waiting import until


def test_an_error_of_the_system_is_tried_again_like_any_other() -> None:
    tries = []

    def no_file() -> Log:
        tries.append(1)
        raise OSError(24, "Too many open files")

    follower = CatalogueFollower(no_file, MemoryStore(), every_seconds=0.01)
    follower.start()
    until(lambda: len(tries) > 2)
    follower.stop()
