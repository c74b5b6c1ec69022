"""Each insight finds what the pin board plants, and says that it cannot tell where nothing is planted."""

from collections import Counter
from datetime import UTC
from functools import cache
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from core.insights.activity import activity, whole
from core.insights.best_time import best_time
from core.insights.counters import Counters, Kinds
from core.insights.devices import devices
from core.insights.engagement import engagement
from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding
from core.insights.formats import formats
from core.insights.sources import sources
from core.rows.activity import split_key, split_name
from core.rows.codec import bucket_of_key, unpack_sums
from core.rows.sketch import Ranks, unpack_sketch
from datasets.synthetic.pinboard import BUSY, CATEGORIES, HOURS_OF_WEEK, SOURCE_CLICKS, PinBoard
from schemas.event import BUCKET_MS, EVENT_COLUMNS
from schemas.rules import DEFAULT_KINDS, Rules
from tests.kit.folding import folded_once

END = 1_764_547_200_000  # a Monday's first millisecond, UTC
KINDS, ALL = Kinds.of(DEFAULT_KINDS), frozenset[str]()
PLANTED, NOTHING = 1.0, 0.0


class Board:
    """A pin board with its counters, as the fold makes them."""

    def __init__(self, strength: float, events: int = 60_000, seed: int = 1) -> None:
        self.board = PinBoard(users=4_000, items=400, events=events, seed=seed, end_ms=END, days=28, strength=strength)
        self.hours = range(END // BUCKET_MS - 28 * 24, END // BUCKET_MS)
        self.rows: dict[str, dict[int, dict[bytes, int]]] = {}
        self.sketches: dict[int, Ranks] = {}
        drafts = [
            {**event, "partition": 0, "offset": k, "timestamp": END, "weight": 0}
            for k, event in enumerate(self.board.generate())
        ]
        self.users = len({draft["user_id"] for draft in drafts})
        for view, key, value in folded_once(pa.RecordBatch.from_pylist(drafts, EVENT_COLUMNS), Rules()):
            if view == "activity":
                dimension, bucket = split_key(key)
                self.rows.setdefault(dimension, {})[bucket] = unpack_sums(value)
            elif view == "active_users":
                self.sketches[bucket_of_key(key)] = unpack_sketch(value)

    def counters(self, dimension: str, hours: range | None = None) -> Counters:
        hours = hours or self.hours
        return Counters(hours, {hour: row for hour, row in self.rows.get(dimension, {}).items() if hour in hours})

    def formats(self) -> Finding:
        counts: dict[str, Counter[str]] = {}
        for row in self.rows["item"].values():
            for name, count in row.items():
                (item,), kind = split_name(name)
                counts.setdefault(item, Counter())[kind] += count
        tags = {f"pin-{item}": (self.board.format(item),) for item in range(self.board.items)}
        return formats(counts, tags)

    def best_time(self, category: str, zone: str = "UTC") -> Finding:
        return best_time(self.counters("category"), frozenset({category}), ZoneInfo(zone), zone)


@cache
def board(strength: float, seed: int = 1) -> Board:
    return Board(strength, seed=seed)


def test_engagement_finds_the_highest_and_the_lowest_category() -> None:
    finding = engagement(board(PLANTED).counters("category"), KINDS, ALL)
    assert (finding.verdict, finding.more) == (FOUND, {"highest": "Food", "lowest": "Tech"})
    assert next(row["category"] for row in finding.rows) == "Food"
    assert len(finding.rows) == len(CATEGORIES)
    rate = finding.rows[0]["engagement"]
    assert rate["low"] < rate["rate"] == rate["count"] / rate["of"] < rate["high"]


def test_devices_finds_that_phones_save_more_and_click_as_often() -> None:
    finding = devices(board(PLANTED).counters("category_device"), KINDS, ALL)
    assert finding.verdict == FOUND
    whole_of = {row["measure"]: row for row in finding.more["differences"] if row["category"] is None}
    assert whole_of["engagement"]["differs"]
    assert whole_of["engagement"]["low"] > 0
    assert not whole_of["click_through"]["differs"]
    assert {row["device"]: row["devices"] for row in finding.rows} == {
        name: [name] for name in ("phone", "desktop", "tablet")
    }


def test_sources_finds_the_best_one_and_orders_the_others() -> None:
    finding = sources(board(PLANTED).counters("source"))
    assert (finding.verdict, finding.more["best"]) == (FOUND, "als")
    assert [row["source"] for row in finding.rows] == sorted(SOURCE_CLICKS, key=lambda name: -SOURCE_CLICKS[name])
    assert finding.rows[0]["clicks"] == finding.rows[0]["click_through"]["count"]


@pytest.mark.parametrize("category", BUSY)
def test_best_time_finds_the_planted_hour_and_weekday(category: str) -> None:
    hour, weekday = BUSY[category]
    finding = board(PLANTED).best_time(category)
    assert finding.verdict == FOUND
    assert finding.more["best_hour"] in range(hour, hour + 3)
    assert finding.more["best_weekday"] == weekday
    sure = [row["hour"] for row in finding.rows if row["differs"] and row["low"] > 1]
    assert sure == [hour, hour + 1, hour + 2]


def test_best_time_is_told_in_the_zone_that_is_asked_for() -> None:
    hour, _ = BUSY["DIY"]
    finding = board(PLANTED).best_time("DIY", "Asia/Tokyo")
    assert finding.more["best_hour"] in range(hour + 9, hour + 12)
    assert finding.more["zone"] == "Asia/Tokyo"


def test_formats_finds_the_one_that_is_saved_more() -> None:
    finding = board(PLANTED).formats()
    assert (finding.verdict, finding.more["best"]) == (FOUND, "video")
    assert finding.rows[0]["ratio"]["low"] > 1.5


def test_activity_counts_all_events_and_users() -> None:
    made = board(PLANTED)
    finding = activity(whole(made.counters("all"), ALL), None, made.sketches)
    assert finding.more["events"] == sum(finding.more["kinds"].values()) == 60_000
    assert finding.more["users"]["estimate"] == pytest.approx(made.users, rel=0.07)
    assert finding.verdict == TOO_LITTLE_DATA
    assert (finding.more["step_seconds"], len(finding.rows)) == (86_400, 28)


@pytest.mark.parametrize("seed", [1, 2])
def test_where_nothing_is_planted_no_insight_finds_anything(seed: int) -> None:
    made = board(NOTHING, seed)
    findings = {
        "engagement": engagement(made.counters("category"), KINDS, ALL),
        "devices": devices(made.counters("category_device"), KINDS, ALL),
        "sources": sources(made.counters("source")),
        "formats": made.formats(),
        **{category: made.best_time(category) for category in CATEGORIES},
    }
    half = made.hours.start + 14 * 24
    now, before = (
        whole(made.counters("all", hours), ALL)
        for hours in (range(half, made.hours.stop), range(made.hours.start, half))
    )
    findings["activity"] = activity(now, before, None)
    assert {name: finding.verdict for name, finding in findings.items()} == dict.fromkeys(findings, NO_DIFFERENCE)


def test_too_little_data_is_said_to_be_too_little() -> None:
    made = Board(PLANTED, events=300)
    findings = [
        engagement(made.counters("category"), KINDS, ALL), sources(made.counters("source")), made.formats(),
        devices(made.counters("category_device"), KINDS, frozenset({"Food"})), made.best_time("Food"),
    ]  # fmt: skip
    assert {finding.verdict for finding in findings} == {TOO_LITTLE_DATA}
    assert all(finding.says for finding in findings)


def test_no_counters_at_all_are_too_little_data() -> None:
    nothing = Counters(range(100, 200), {})
    findings = [
        engagement(nothing, KINDS, ALL), sources(nothing), devices(nothing, KINDS, ALL), formats({}, {}),
        best_time(nothing, ALL, UTC, "UTC"), activity(whole(nothing, ALL), None, {}),
    ]  # fmt: skip
    assert {finding.verdict for finding in findings} == {TOO_LITTLE_DATA}


def test_the_board_plants_weekdays_as_the_calendar_has_them() -> None:
    assert HOURS_OF_WEEK == 7 * 24
    assert board(PLANTED).best_time("Travel").more["weekdays"][2]["name"] == "Wednesday"
