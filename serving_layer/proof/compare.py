"""The proof: every merged row against an independent slow recompute of the log's prefix, exactly (rule 16).

The slow path shares no code with the layers but the parser: events come back from the lake, the rest from the log,
and are folded one by one by ``core.fold.slow``.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from adapters.terminal.progress import watched
from core.fold.slow import SlowView
from core.proof import proving
from core.rows import views
from core.rows.activity import SEPARATOR, activity_key, split_key
from core.rows.codec import bucket_of_key, unpack_norm
from core.rows.merging import added
from core.rows.sketch import joined_ranks, unpack_sketch
from core.rows.words import Seen
from schemas.errors import MillraceError
from serving_layer.proof.histories import Histories, Prefix
from serving_layer.proof.merged_rows import MergedRows
from serving_layer.proof.report import Report

Watch = Callable[[Report], None]


def compare(
    prefix: Prefix, merged: MergedRows, sample: int | None = None, seed: int = 0, watch: Watch | None = None
) -> Report:
    """Compare every row of the merged views with the slow twin's; with ``sample`` only rows of that many items.

    A sample has the items' sums and categories, and histories and seen sets of the users who touched them; activity by
    anything but items, active users, duplicates and facts are of all events. The prefix moves on with the speed layer
    while histories are compared.

    Raises:
        MillraceError: there is nothing to compare.      Moved: start over.
    """
    slow = prefix.slow
    report = Report(
        slow.events, sum(1 for history in slow.histories.values() if history.ids), duplicates=slow.duplicates,
        watch=watch,
    )  # fmt: skip
    wanted = _sampled(slow, sample, seed)
    users = None if wanted is None else proving.users_of(slow, wanted)
    steps: list[Callable[[], None]] = [
        *(partial(part, slow, merged, wanted, report) for part in (_norms, _pairs, _counts, _categories, _activity)),
        partial(_active_users, slow, merged, report),
        partial(_excess, slow, merged, users, report),
        partial(_seen, slow, merged, users, report),
        partial(_facts, slow, merged, report),
        Histories(prefix, merged, users, report).compare,
    ]
    for step in watched("comparing the views", steps, len(steps), every=1):
        step()
    if report.sums == 0:
        raise MillraceError("nothing was compared: no accepted event lies below the boundary yet")
    return report


def _sampled(slow: SlowView, sample: int | None, seed: int) -> set[str] | None:
    names = sorted(slow.categories)
    return None if sample is None else set(random.Random(seed).sample(names, min(sample, len(names))))


def _norms(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    expected = {item: amount for item, amount in slow.norms.items() if amount and (wanted is None or item in wanted)}
    report.items = len(expected)
    for key, parts in merged.rows(views.NORMS):
        item = key.decode()
        if wanted is None or item in wanted:
            report.compare(f"norm of {item}", expected.pop(item, 0), sum(map(unpack_norm, parts)))
    for item, amount in expected.items():
        report.compare(f"norm of {item}", amount, 0)


def _pairs(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    expected: dict[str, dict[str, int]] = defaultdict(dict)
    for (item, other), amount in slow.pairs.items():
        if amount and (wanted is None or item in wanted):
            expected[item][other] = amount
            report.pairs += item < other or (wanted is not None and other not in wanted)
    for key, parts in merged.rows(views.PAIRS):
        item = key.decode()
        if wanted is None or item in wanted:
            _row(f"pair of {item} with", expected.pop(item, {}), added(parts), report)
    for item, row in expected.items():
        _row(f"pair of {item} with", row, {}, report)


def _counts(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    report.counts = sum(1 for _, item in slow.counts if wanted is None or item in wanted)
    _by_bucket("count in bucket", slow.counts, merged.rows(views.COUNTS), wanted, report)
    excess = {at: -events for at, events in slow.excess.items()}
    _by_bucket("excess in bucket", excess, merged.rows(views.EXCESS), wanted, report)


def _by_bucket(
    what: str, expected: Mapping[tuple[int, str], int], rows: Iterable[tuple[bytes, list[bytes]]],
    wanted: set[str] | None, report: Report,
) -> None:  # fmt: skip
    """Compare sums of names by bucket, of all names or of those that are wanted."""
    missing: dict[int, dict[str, int]] = defaultdict(dict)
    for (bucket, name), amount in expected.items():
        if wanted is None or name in wanted:
            missing[bucket][name] = amount
    for key, parts in rows:
        bucket = bucket_of_key(key)
        stored = {name: n for name, n in added(parts).items() if wanted is None or name.decode() in wanted}
        _row(f"{what} {bucket} of", missing.pop(bucket, {}), stored, report)
    for bucket, row in missing.items():
        _row(f"{what} {bucket} of", row, {}, report)


def _activity(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    """Compare the counters of activity; of a sample those by item are its items'."""

    def compared(dimension: str, name: str) -> bool:
        return wanted is None or dimension != "item" or name.partition(SEPARATOR)[0] in wanted

    expected: dict[bytes, dict[str, int]] = defaultdict(dict)
    for (dimension, bucket, name), count in slow.activity.items():
        if compared(dimension, name):
            expected[activity_key(dimension, bucket)][name] = count
            report.activity += 1
    for key, parts in merged.rows(views.ACTIVITY):
        dimension, bucket = split_key(key)
        stored = {name: n for name, n in added(parts).items() if compared(dimension, name.decode())}
        _row(f"activity by {dimension} in bucket {bucket} of", expected.pop(key, {}), stored, report)
    for key, row in expected.items():
        _row("activity by {} in bucket {} of".format(*split_key(key)), row, {}, report)


def _active_users(slow: SlowView, merged: MergedRows, report: Report) -> None:
    expected = dict(slow.active_users)
    report.active_users = len(expected)
    for key, parts in merged.rows(views.ACTIVE_USERS):
        bucket, stored = bucket_of_key(key), joined_ranks(*map(unpack_sketch, parts))
        report.compare(f"active users in bucket {bucket}", expected.pop(bucket, {}), stored, len)
    for bucket, ranks in expected.items():
        report.compare(f"active users in bucket {bucket}", ranks, {}, len)


def _excess(slow: SlowView, merged: MergedRows, users: set[str] | None, report: Report) -> None:
    """Compare the events beyond each user's share by day; of a sample those of its users."""
    report.excess = slow.excess_users.total()
    _by_bucket("excess on day", slow.excess_users, merged.rows(views.EXCESS_USERS), users, report)


def _categories(slow: SlowView, merged: MergedRows, wanted: set[str] | None, report: Report) -> None:
    expected = {item for item in slow.categories if wanted is None or item in wanted}
    report.categories = len(expected)
    for key, parts in merged.rows(views.ITEMS):
        item = key.decode()
        if wanted is None or item in wanted:
            expected.discard(item)
            report.compare(f"category of {item}", proving.category_of(slow, item), proving.stored_category(parts))
    for item in expected:
        report.compare(f"category of {item}", proving.category_of(slow, item), None)


def _seen(slow: SlowView, merged: MergedRows, users: set[str] | None, report: Report) -> None:
    missing = set(slow.seen if users is None else users)
    report.seen = sum(len(slow.seen[user]) for user in missing)
    for key, parts in merged.rows(views.SEEN):
        user = key.decode()
        if users is None or user in users:
            missing.discard(user)
            _words(user, slow.seen.get(user, {}), proving.stored_words(parts), report)
    for user in missing:
        _words(user, slow.seen[user], {}, report)


def _words(user: str, expected: dict[str, Seen], stored: dict[str, Seen], report: Report) -> None:
    for item in expected.keys() | stored.keys():
        what = f"item {item} seen by {user}"
        report.compare(what, expected.get(item), stored.get(item), proving.seen_in_words)


def _facts(slow: SlowView, merged: MergedRows, report: Report) -> None:
    parts = dict(merged.rows(views.FACTS)).get(views.FACTS_KEY, [])
    must_be, facts = proving.facts_of(slow), proving.stored_facts(parts)
    expected, stored = proving.named(must_be), proving.named(facts)
    for name in expected.keys() | stored.keys():
        report.facts += 1
        report.compare_fact(f"fact {name}", expected.get(name, 0), stored.get(name, 0))
    report.compare_fact("duplicates", must_be.duplicates, facts.duplicates)
    report.compare_fact("excess", must_be.excess, facts.excess)


def _row(what: str, expected: dict[str, int], stored: dict[bytes, int], report: Report) -> None:
    named = {name.decode(): amount for name, amount in stored.items()}
    for name in expected.keys() | named.keys():
        report.compare(f"{what} {name}", expected.get(name, 0), named.get(name, 0))
