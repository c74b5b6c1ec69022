"""Counters of activity: every event that is not a duplicate, by hour, kind and dimension; the same in two codes."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.bytes.binary_columns import binary, octets
from core.fold.activity_kernel import hosts
from core.fold.slow import SlowView
from core.rows.activity import activity_key, host_of, label, split_key, split_name
from core.rows.codec import unpack_sums
from core.rows.sketch import estimate, unpack_sketch
from schemas.event import BUCKET_MS, Event
from schemas.rules import DIMENSIONS, OPTIONAL_DIMENSIONS, Rules
from tests.kit.folding import fold_into, rows_as_data, slow
from tests.kit.streams import START, event_streams

HOUR = START // BUCKET_MS
text = st.text(max_size=12) | st.sampled_from(["a\0b", "\x85", "ї", "a\nb"])
urls = st.text(alphabet="ab:/?#@\\.A1É[]-", max_size=20)


def event(k: int, kind: str = "view", weight: int = 1000, hours: float = 0, **more: str | None) -> Event:
    when = START + int(hours * BUCKET_MS)
    return replace(Event(0, k, when, f"e{k}", when, kind, "u", "i", None, weight, None), **more)


def counted(events: list[Event], rules: Rules | None = None) -> dict[tuple[str, int, str], int]:
    activity: dict[tuple[str, int, str], int] = rows_as_data(fold_into({}, events, rules or Rules()))["activity"]
    return activity


def by(activity: dict[tuple[str, int, str], int], dimension: str) -> dict[tuple[object, ...], int]:
    return {split_name(name.encode()): n for (of, _, name), n in activity.items() if of == dimension}


def test_weightless_events_count_and_duplicates_do_not() -> None:
    shown, again = event(0, "impression", 0), replace(event(1, "impression", 0), event_id="e0")
    activity = counted([shown, again, event(2), event(3, "remove", -1)])
    assert by(activity, "all") == {((), "impression"): 1, ((), "view"): 1, ((), "remove"): 1}


def test_each_dimension_counts_kinds_within_its_values() -> None:
    activity = counted([
        event(0, category="DIY", device="ios", source="als", referrer="https://www.Example.com:443/a?b"),
        event(1, "save", category="DIY", device="web"),
        event(2, "save", category="DIY", device="web"),
        event(3, item_id="other"),
    ])  # fmt: skip
    assert by(activity, "category") == {(("DIY",), "view"): 1, (("DIY",), "save"): 2, (("",), "view"): 1}
    assert by(activity, "device") == {(("ios",), "view"): 1, (("web",), "save"): 2, (("",), "view"): 1}
    assert by(activity, "source") == {(("als",), "view"): 1, (("",), "save"): 2, (("",), "view"): 1}
    assert by(activity, "referrer") == {(("www.example.com",), "view"): 1, (("",), "save"): 2, (("",), "view"): 1}
    assert by(activity, "category_device")[("DIY", "web"), "save"] == 2
    assert by(activity, "item") == {(("i",), "view"): 1, (("i",), "save"): 2, (("other",), "view"): 1}


def test_an_event_counts_in_the_hour_of_its_own_time_however_late_it_comes() -> None:
    activity = counted([event(0, hours=5), event(1, hours=0)])
    assert {bucket for dimension, bucket, _ in activity if dimension == "all"} == {HOUR, HOUR + 5}


@pytest.mark.parametrize("dimensions", [(), ("device",), ("category_device", "item")])
def test_only_the_dimensions_of_the_rules_are_counted(dimensions: tuple[str, ...]) -> None:
    rules = Rules(dimensions=dimensions)
    activity = counted([event(0, category="a", device="b")], rules)
    assert {dimension for dimension, _, _ in activity} == {"all", *dimensions}
    assert rules.fingerprint() != Rules().fingerprint()


def test_fingerprints_of_versions_that_did_not_know_a_setting_do_not_depend_on_it() -> None:
    earlier = Rules().earlier_fingerprints()
    assert len(earlier & Rules(dimensions=()).earlier_fingerprints()) == 5
    assert earlier == Rules(counted_per_day=3).earlier_fingerprints()
    assert len(earlier) == 6


def test_active_users_are_counted_by_hour_whatever_the_events_weigh() -> None:
    events = [replace(event(k, "impression", 0, hours=k // 50), user_id=f"u{k % 50}") for k in range(100)]
    rows = fold_into({}, events, Rules())
    sketches = [unpack_sketch(row) for (view, _), row in rows.items() if view == "active_users"]
    assert [round(estimate(sketch)) for sketch in sketches] == [50, 50]
    assert sketches[0] == sketches[1]


@settings(max_examples=60, deadline=None)
@given(event_streams(max_size=20), st.lists(st.tuples(text, text, text, text), min_size=20, max_size=20))
def test_any_text_is_counted_alike_by_the_slow_twin(events: list[Event], texts: list[tuple[str, ...]]) -> None:
    fields = ("category", "device", "source", "referrer")
    odd = [replace(e, **dict(zip(fields, t, strict=True))) for e, t in zip(events, texts, strict=False)]
    encodable = [e for e in odd if all(_is_utf_8(getattr(e, field)) for field in fields)]
    assert rows_as_data(fold_into({}, encodable, Rules())) == slow(encodable, Rules())


def _is_utf_8(given: str) -> bool:
    return given.encode("utf-8", "replace").decode() == given


@settings(max_examples=300, deadline=None)
@given(st.lists(urls))
@example(["https://a.B/x", "//h:80", "h:80", "x@y", "u:p@h:1/@", "", ":", "a://", "a:b://h", "http:/x"])
def test_the_compiled_host_is_the_readable_one(referrers: list[str]) -> None:
    column = pa.array([referrer.encode() for referrer in referrers], pa.binary())
    computed = binary(*hosts(*octets(column))).to_pylist()
    assert [host.decode() for host in computed] == [host_of(referrer) for referrer in referrers]


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://www.Google.com/search?q=1", "www.google.com"), ("http://user:pw@shop.example:8080", "shop.example"),
        ("//cdn.example/x", "cdn.example"), ("google.com/search", "google.com"), ("https://[::1]:80/", "[::1]"),
        ("android-app://com.example/", "com.example"), ("newsletter", "newsletter"), ("", ""), (None, ""),
    ],
)  # fmt: skip
def test_a_referrer_counts_by_its_host(referrer: str | None, host: str) -> None:
    assert host_of(referrer) == host


def test_keys_and_names_can_be_read_back() -> None:
    for dimension in DIMENSIONS:
        assert split_key(activity_key(dimension, HOUR)) == (dimension, HOUR)
    assert split_name("DIY\0a\ufffdb\0save".encode()) == (("DIY", "a\ufffdb"), "save")
    assert label("a\0b") == "a\ufffdb"
    assert label(None) == label("") == ""


def test_rows_are_as_the_readable_code_packs_them() -> None:
    """One row: its names ascend by their bytes, so that merging adds them name by name."""
    drafts = [("b", "z"), ("a", "z"), ("a", "")]
    rows = fold_into({}, [event(k, kind, category=category) for k, (kind, category) in enumerate(drafts)], Rules())
    names = list(unpack_sums(rows["activity", activity_key("category", HOUR)]))
    assert names == sorted(names) == [b"\0a", b"z\0a", b"z\0b"]


def test_the_slow_twin_counts_what_the_contract_says() -> None:
    view = SlowView()
    view.take(event(0, "impression", 0, device="ios"), Rules(dimensions=OPTIONAL_DIMENSIONS))
    view.take(replace(event(1), event_id="e0"), Rules())
    assert view.activity["device", HOUR, "ios\0impression"] == 1
    assert sum(view.activity.values()) == len(DIMENSIONS)
    assert (view.first_hour, len(view.active_users)) == (HOUR, 1)
    assert np.sum([len(ranks) for ranks in view.active_users.values()]) == 1
