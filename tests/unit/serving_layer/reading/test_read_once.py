"""What is read once is read by each object for itself, and nobody waits for another's store."""

import threading
from dataclasses import dataclass, field

from serving_layer.reading.read_once import read_once
from tests.kit.waiting import until


@dataclass(frozen=True)
class Asked:
    go_on: threading.Event
    reads: list[int] = field(default_factory=list)

    @read_once
    def facts(self) -> int:
        self.reads.append(1)
        self.go_on.wait()
        return len(self.reads)


def test_an_answer_that_waits_for_a_store_keeps_no_other_one_waiting() -> None:
    waiting, other = Asked(threading.Event()), Asked(threading.Event())
    thread = threading.Thread(target=lambda: waiting.facts)
    thread.start()
    until(lambda: waiting.reads)
    other.go_on.set()
    assert (other.facts, other.facts, other.reads) == (1, 1, [1])
    waiting.go_on.set()
    thread.join()
    assert waiting.facts == 1
