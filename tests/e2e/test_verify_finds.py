"""A proof that cannot fail proves nothing: each kind of wrong row is found, in either view of every store."""

from dataclasses import replace

import pytest

from adapters.records.books import SPEED, generation_book, segment_space, state_space
from adapters.stores.opened import batch_views, speed_views
from core.rows.codec import (
    add_history,
    bucket_key,
    bucket_of_key,
    pack_facts,
    pack_history,
    pack_item,
    pack_norm,
    pack_seen,
    pack_sums,
    unpack_facts,
    unpack_history,
    unpack_item,
    unpack_norm,
    unpack_seen,
    unpack_sums,
)
from core.rows.tagged import settle, tagged
from core.rows.views import COUNTS, FACTS, FACTS_KEY, HISTORY, ITEMS, NORMS, PAIRS, SEEN
from tests.kit.installation import Installation
from tests.kit.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.cassandra]


def test_verify_names_every_wrong_missing_and_surplus_row(millrace: Installation) -> None:
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
    """One row of each view wrong, missing or too many; what each should be called."""
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
    item, category = next((key, row) for key, row in views.scan(book, ITEMS) if unpack_item(row).category)
    views.put(book, {(ITEMS, item): pack_item(replace(unpack_item(category), event_time=2**60, category="other"))})
    user, words = min(views.scan(book, SEEN))
    views.put(
        book,
        {
            (SEEN, user): pack_seen(
                sorted((name, *said) for name, said in {**unpack_seen(words), b"nobody": (1, 1)}.items())
            )
        },
    )
    facts = unpack_facts(views.read(book, FACTS, [FACTS_KEY])[FACTS_KEY])
    rejected = {**(facts.rejected or {}), "oversize": 1_000}
    wrong_facts = replace(facts, duplicates=facts.duplicates + 1, as_of=2**60, events=1, rejected=rejected)
    views.put(book, {(FACTS, FACTS_KEY): pack_facts(wrong_facts)})
    return [
        f"norm of {wrong.decode()}", f"norm of {gone.decode()}", "norm of nobody",
        f"pair of {paired.decode()} with nobody", f"count in bucket {bucket_of_key(key)} of {lost.decode()}",
        f"category of {item.decode()}", f"item nobody seen by {user.decode()}",
        "duplicates", "fact as_of", "fact events", "fact rejected, oversize",
    ]  # fmt: skip


def spoil_a_segment(millrace: Installation) -> list[str]:
    """Committed rows of the speed view that no event explains: a count, and a history without its newest id."""
    store, position = speed_views(millrace.settings), millrace.position
    space = segment_space(position.epoch, COUNTS, millrace.control.active_segments[0])
    row = tagged(None, position, position.attempt, pack_sums([(b"nobody", 1)]))
    histories = state_space(position.epoch, HISTORY)
    user, stored = min(store.scan(SPEED, histories))
    history = unpack_history(settle(stored, position, add_history) or b"")
    spoiled = tagged(None, position, position.attempt, pack_history(replace(history, ids=history.ids[:-1])))
    rows = {(space, bucket_key(1)): row, (histories, user): spoiled}
    assert store.put(SPEED, rows, guard=position.to_json())
    return ["count in bucket 1 of nobody", f"history of {user.decode()}"]
