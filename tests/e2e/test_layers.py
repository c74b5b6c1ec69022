"""The promise: every merged view equals a full recompute over the prefix it names, in whatever order the layers run."""

import pytest

from tests.e2e.installation import Installation
from tests.e2e.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.cassandra]


def test_speed_before_any_batch_then_batches_then_both(millrace: Installation) -> None:
    first, second, third, fourth = in_parts(mixed_stream(millrace.settings.rules), 4)
    millrace.produce(first)
    millrace.speed()
    millrace.check_all_is_applied()
    millrace.produce_in_transactions(committed=second, aborted=first)
    millrace.speed()
    millrace.check_all_is_applied()
    millrace.batch()
    millrace.check_all_is_applied()
    millrace.produce(third)
    assert millrace.check() != millrace.log.end_offsets()
    millrace.batch()
    millrace.check_all_is_applied()
    millrace.produce(fourth)
    millrace.speed()
    millrace.check_all_is_applied()
    report = millrace.prove()
    assert (report.mismatches, report.events) == (0, millrace.merged()[0]["facts"][2])
    millrace.check_rejected()
