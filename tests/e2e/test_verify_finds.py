"""A proof that cannot fail proves nothing: each kind of wrong row is found, in either view of every store."""

import pytest

from adapters.books import SPEED, generation_book, segment_space
from adapters.opened import batch_views, speed_views
from core.codec import bucket_key, bucket_of_key, pack_norm, pack_sums, unpack_norm, unpack_sums
from core.tagged import tagged
from core.views import COUNTS, NORMS, PAIRS
from tests.e2e.installation import Installation
from tests.e2e.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.cassandra]


def test_verify_names_every_wrong_missing_and_surplus_sum(millrace: Installation) -> None:
    for part, run in zip(
        in_parts(mixed_stream(millrace.settings.rules), 2), (millrace.batch, millrace.speed), strict=True
    ):
        millrace.produce(part)
        run()
    expected = {*spoil_the_generation(millrace), *spoil_a_segment(millrace)}
    report = millrace.prove()
    assert not report.proved
    assert report.mismatches == len(expected)
    assert {example.partition(":")[0] for example in report.examples or []} == expected


def spoil_the_generation(millrace: Installation) -> list[str]:
    """A norm off by a thousandth, a pair too many, a count lost, a row gone; what each should be called."""
    views, book = batch_views(millrace.settings), generation_book(millrace.control.active or "")
    norms, pairs = dict(views.scan(book, NORMS)), dict(views.scan(book, PAIRS))
    items = sorted(norms)
    wrong, gone = items[0], items[1]
    views.put(book, {(NORMS, wrong): pack_norm(unpack_norm(norms[wrong]) + 1), (NORMS, b"nobody"): pack_norm(1)})
    views.delete(book, NORMS, [gone])
    paired = min(pairs)
    views.put(book, {(PAIRS, paired): pack_sums(sorted({**unpack_sums(pairs[paired]), b"nobody": 5}.items()))})
    key, counts = next((key, sums) for key, blob in views.scan(book, COUNTS) if len(sums := unpack_sums(blob)) > 1)
    lost = min(counts)
    views.put(book, {(COUNTS, key): pack_sums(sorted((item, n) for item, n in counts.items() if item != lost))})
    return [
        f"norm of {wrong.decode()}", f"norm of {gone.decode()}", "norm of nobody",
        f"pair of {paired.decode()} with nobody", f"count in bucket {bucket_of_key(key)} of {lost.decode()}",
    ]  # fmt: skip


def spoil_a_segment(millrace: Installation) -> list[str]:
    """A committed row of the speed view that no event explains."""
    store, position = speed_views(millrace.settings), millrace.position
    space = segment_space(position.epoch, COUNTS, millrace.control.active_segments[0])
    row = tagged(None, position, position.attempt, pack_sums([(b"nobody", 1)]))
    assert store.put(SPEED, {(space, bucket_key(1)): row}, guard=position.to_json())
    return ["count in bucket 1 of nobody"]
