"""What the relay shows to Prometheus."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from adapters.telemetry.counting import count, level
from core.telemetry.families import RELAY_EVENTS, RELAY_LAG, RELAY_LEFT_OUT, RELAY_LETTERS, RELAY_RECORDS
from datasets.relaying.transform import Message, Transformed

_GIVEN = re.compile(r"(?: for)? '.*'|: .*", re.DOTALL)  # what a record said: a label never holds it


def count_relayed(records: Sequence[Message], made: Transformed) -> None:
    """Count records that were taken and what they became."""
    topics = [record.topic() for record in records]
    for topic, number in Counter(topics).items():
        count(RELAY_RECORDS, topic, by=number)
    for topic, number in Counter(topics[owner] for owner in made.owners).items():
        count(RELAY_EVENTS, topic, by=number)
    for reason, number in Counter(letter_label(str(wrong)) for wrong in made.wrong.values()).items():
        count(RELAY_LETTERS, reason, by=number)
    if made.left_out:
        count(RELAY_LEFT_OUT, by=made.left_out)


def show_lags(lags: Mapping[tuple[str, int], int]) -> None:
    """Show how many records of each partition are not read yet; those of partitions that others have now are 0."""
    for (topic, partition), records in lags.items():
        level(RELAY_LAG, topic, str(partition), value=records)


def letter_label(reason: str) -> str:
    """Return a dead letter's reason without what its record said.

    >>> letter_label("no kind for 'x'"), letter_label("time before 1990, right as --time-format epoch-s")
    ('no kind', 'time before 1990, right as --time-format epoch-s')
    """
    return _GIVEN.sub("", reason)
