"""The slow twin's views as the rows that answers read."""

from collections import defaultdict
from collections.abc import Iterator

from core.fold.slow import SlowView
from core.proof.proving import category_of, facts_of, history_of
from core.rows import views
from core.rows.codec import bucket_key, pack_facts, pack_history, pack_item, pack_norm, pack_seen, pack_sums
from core.rows.words import pack_touches

Row = tuple[tuple[str, bytes], bytes]  # (view, key) and value


def packed(slow: SlowView) -> Iterator[Row]:
    """Yield every row of the views, as a generation that ends where the slow twin ends has them."""
    yield from (((views.NORMS, item.encode()), pack_norm(amount)) for item, amount in slow.norms.items())
    pairs: dict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
    for (item, other), amount in slow.pairs.items():
        pairs[item.encode()].append((other.encode(), amount))
    counts: dict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
    for (bucket, item), count in slow.counts.items():
        counts[bucket_key(bucket)].append((item.encode(), count))
    excess: dict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
    for (bucket, item), events in slow.excess.items():
        excess[bucket_key(bucket)].append((item.encode(), -events))
    for view, sums in ((views.PAIRS, pairs), (views.COUNTS, counts), (views.EXCESS, excess)):
        for key, row in sums.items():
            yield (view, key), pack_sums(sorted((name, amount) for name, amount in row if amount))
    for item in slow.categories:
        seen = category_of(slow, item)
        assert seen is not None
        yield (views.ITEMS, item.encode()), pack_item(seen)
    yield from _of_users(slow)
    yield (views.FACTS, views.FACTS_KEY), pack_facts(facts_of(slow))


def _of_users(slow: SlowView) -> Iterator[Row]:
    for user, history in slow.histories.items():
        if history.ids:
            yield (views.HISTORY, user.encode()), pack_history(history_of(slow.histories, user))
    for user, items in slow.seen.items():
        words = sorted(
            (item.encode(), said.rating, pack_touches(said.touches, said.first, said.last) if said else 0)
            for item, said in items.items()
        )
        yield (views.SEEN, user.encode()), pack_seen(words)
