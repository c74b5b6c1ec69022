"""The table of metric families. To add a metric, declare it here and count it where it happens.

Names follow Prometheus: base units, ``_total`` for counters. Labels have few values: never an id, a path or a message.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

ANSWER_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
STORE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0)
BATCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
FRESH_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True)
class Family:
    """A metric with its labels. ``buckets``: upper bounds of a histogram; ``joins``: gauges of several processes.

    A counter or histogram of several processes is their sum. A gauge is the ``sum`` or the ``max`` of theirs.
    """

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    joins: Literal["sum", "max"] = "sum"

    @property
    def cells(self) -> int:
        """How many numbers one set of labels has: a histogram's buckets, one beyond the last, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1


FAMILIES: dict[str, Family] = {}


def _family(kind: Kind, name: str, about: str, *labels: str, **more: object) -> Family:
    family = FAMILIES[name] = Family(name, kind, about, labels, **more)  # type: ignore[arg-type]
    return family


# The API, counted by the process that answers.
REQUESTS = _family("counter", "millrace_http_requests_total", "Requests answered.", "route", "status")
REQUEST_SECONDS = _family(
    "histogram", "millrace_http_request_seconds", "From a whole request to its answer.", "route", buckets=ANSWER_SECONDS
)
ANSWERS = _family("counter", "millrace_answers_total", "Answers by what they lacked; `none`: nothing.", "degraded")
LISTED = _family("counter", "millrace_recommended_items_total", "Items recommended.", "source")
SHED = _family("counter", "millrace_http_shed_total", "Requests or connections turned away under load.", "why")
POSTED = _family("counter", "millrace_posted_records_total", "Records of bodies that were judged.", "topic", "result")
REFUSED = _family("counter", "millrace_posted_rejected_total", "Posted records that were refused.", "topic", "reason")
APPEND_SECONDS = _family(
    "histogram", "millrace_append_seconds", "From sending records to their acknowledgement.", buckets=ANSWER_SECONDS
)
VISIBLE_SECONDS = _family(
    "histogram", "millrace_visible_seconds", "From an event's acknowledgement to the first answer of this process that "
    "can hold it; one posted event per second is watched.", buckets=FRESH_SECONDS,
)  # fmt: skip
IN_MEMORY = _family(
    "counter", "millrace_answers_from_total", "Answers from memory, and those that read a store.", "where"
)

# Stores, as each process sees them.
STORE_CALL_SECONDS = _family(
    "histogram", "millrace_store_seconds", "Calls of a view store.", "store", "book", "operation", buckets=STORE_SECONDS
)
STORE_FAILURES = _family("counter", "millrace_store_failures_total", "Calls that a store did not answer.", "store")

# The speed layer.
APPLIED = _family("counter", "millrace_speed_events_total", "Events in committed micro-batches.", "result")
MICRO_BATCHES = _family("counter", "millrace_speed_micro_batches_total", "Committed micro-batches.")
PHASE_SECONDS = _family(
    "histogram", "millrace_speed_phase_seconds", "Phases of a micro-batch.", "phase", buckets=BATCH_SECONDS
)
COMMIT_DELAY_SECONDS = _family(
    "histogram", "millrace_speed_delay_seconds", "From the oldest record of a micro-batch entering the log to its "
    "commit.", buckets=FRESH_SECONDS,
)  # fmt: skip
INTERRUPTIONS = _family(
    "counter", "millrace_speed_interruptions_total", "Attempts that were repeated, and readings begun again.", "why"
)

# The relay.
RELAY_RECORDS = _family("counter", "millrace_relay_records_total", "Records of source topics that were read.", "topic")
RELAY_EVENTS = _family("counter", "millrace_relay_events_total", "Events that were appended for them.", "topic")
RELAY_LEFT_OUT = _family(
    "counter", "millrace_relay_left_out_total", "What makes no event on purpose: tombstones, and by the mapping."
)
RELAY_LETTERS = _family("counter", "millrace_relay_dead_letters_total", "Records that cannot be read.", "reason")
RELAY_LAG = _family(
    "gauge", "millrace_relay_lag_records", "Records of a partition of this process that are not read yet.", "topic",
    "partition",
)  # fmt: skip
