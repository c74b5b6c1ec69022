"""The port of engines: what reads the log and runs the two steps of a micro-batch, on Spark or in this process.

An engine decides how much of the log makes a micro-batch and where the steps run. The rest is the same on every engine:
the driver decides what counts, the steps compute and write, and the job handles the lease, outages and new epochs.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adapters.log.kafka_log import Log
from schemas.control import Offsets
from speed_layer.driver import Compute

Apply = Callable[[Offsets, Compute], None]


@dataclass(frozen=True)
class Reading:
    """One reading of the log from ``start`` on; with ``available_now`` up to where the log ends when it begins.

    ``apply`` commits the log up to the offsets given, by running ``compute``. ``idle`` must be called a few times per
    second while no micro-batch runs. The reading ends when ``stopping`` is set, after the micro-batch under way.
    """

    log: Log
    start: Offsets
    available_now: bool
    apply: Apply
    idle: Callable[[], None]
    stopping: threading.Event


class Engine(Protocol):
    """Micro-batches are applied one after the other; each begins where the one before ended, gaps included."""

    name: str

    def warm_up(self, waiting: int, say: Callable[[str], None], log: Log | None = None) -> None:
        """Start, load and compile what the first micro-batch needs, what is ready once only; report what takes long.

        It may be called before the log is there, on another thread, so that it takes no time later.

        Args: waiting: how many records of the log wait.      log: None while it is not there yet.
        """

    def read(self, reading: Reading) -> None:
        """Apply the log until the reading ends.

        Raises:
            RangeLost, LogUnavailable: the log cannot be read from here on.      EngineLost: a process of it ended.
            What ``apply`` and ``idle`` raise.
        """

    def close(self) -> None:
        """End the processes that the engine started."""
