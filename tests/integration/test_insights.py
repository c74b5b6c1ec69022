"""Insights over HTTP and as a command: the merged counters, the filters, and refusals that name what exists."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from httpx import Client

from adapters.records.books import CATALOGUE
from adapters.records.control import Applied
from adapters.records.delays import write_delays
from adapters.settings import Settings
from adapters.stores import open_store
from core.events.acceptance import weight_of
from core.events.catalogue import parse_item
from core.insights.table import FRESHNESS, INSIGHTS
from core.rows.catalogue_rows import pack_entry
from core.telemetry.delays import Delays
from datasets.synthetic.pinboard import CATEGORIES, PinBoard
from recommenders.als.model import artefact
from schemas.catalogue import Item
from schemas.event import BUCKET_MS, Event
from schemas.rules import Rules
from tests.kit.commands import CommandsHere
from tests.kit.parsed_html import Element, parsed
from tests.kit.serving import problem, serving
from tests.kit.small_lambda import SmallLambda, placed

END = 1_764_547_200_000
BOARD = PinBoard(users=300, items=200, events=6_000, seed=3, end_ms=END, days=16)
RULES = Rules()
NOW = 2_000_000_000_000 // BUCKET_MS * BUCKET_MS  # when the events entered the log: in May 2033
DELAYS = {-100: (90_000, 1), 0: (200, 200), 2: (60_000, 200)}  # milliseconds and events, by hours after that
HEADER = {"generation", "segment", "fresh_to", "degraded", "insight", "from", "to", "exists", "verdict", "says", "rows"}


class Shop(NamedTuple):
    home: Path
    client: Client
    events: list[Event]


def delays(milliseconds: int, events: int) -> Delays:
    """That many events, each of which took so long."""
    made = Delays()
    made.add(milliseconds, events)
    return made


def drafts() -> Iterator[Event]:
    for draft in BOARD.generate():
        kind, when = draft["kind"], draft["event_time"]
        described = {name: draft[name] for name in ("category", "device", "source", "referrer")}
        yield Event(
            0, 0, when, draft["event_id"], when, kind, draft["user_id"], draft["item_id"], None,
            weight_of(RULES.kinds[kind], None), **described,
        )  # fmt: skip


def catalogue() -> Iterator[tuple[bytes, Item]]:
    for record in BOARD.items_records():
        key = record["item_id"].encode()
        item = parse_item(key, json.dumps(record).encode())
        assert isinstance(item, Item)
        yield key, item


def model() -> dict[tuple[str, bytes], bytes]:
    """Factors by which no two items are alike."""
    names = sorted(key for key, _ in catalogue())
    factors = np.random.default_rng(3).normal(size=(len(names), 4)).astype(np.float32)
    facts = {"alpha": 10.0, "regularization": 0.05, "weighted": False}
    return {("als", key): row for key, row in artefact(names, factors, facts).rows()}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("board")
    batch, speed = (open_store(f"sqlite:///{home / name}.sqlite") for name in ("batch", "speed"))
    events = list(drafts())
    world = SmallLambda(batch, speed, RULES, placed(events, RULES))
    world.begin()
    world.run_speed(500)
    world.run_batch(4_000, model())
    world.run_speed(len(events))
    claim = Applied().moved(settled=True).to_json()
    assert speed.swap(CATALOGUE, None, claim)
    rows = {("items", key): pack_entry(item) for key, item in catalogue()}
    assert speed.put(CATALOGUE, rows, guard=claim)
    write_delays(speed, b"first", {NOW // BUCKET_MS + hour: delays(*given) for hour, given in DELAYS.items()})
    write_delays(speed, b"again", {NOW // BUCKET_MS: delays(100, 200)})
    with serving(Settings.of(home=home, kafka="127.0.0.1:1")) as client:
        yield Shop(home, client, events)
    batch.close()
    speed.close()


def asked(shop: Shop, name: str, **query: Any) -> dict[str, Any]:
    response = shop.client.get(f"/insights/{name}", params=query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("name", [name for name in INSIGHTS if name != FRESHNESS])
def test_every_insight_answers_with_the_header_of_a_lookup_and_rows(shop: Shop, name: str) -> None:
    answer = asked(shop, name)
    assert answer.keys() >= HEADER
    assert (answer["insight"], answer["degraded"], answer["category"]) == (name, [], [])
    assert answer["exists"]["to"] == answer["to"] == END
    assert answer["says"]
    assert answer["verdict"] in ("found", "no_difference", "too_little_data")


def test_the_names_are_listed(shop: Shop) -> None:
    listed = shop.client.get("/insights").json()["insights"]
    assert [row["name"] for row in listed] == list(INSIGHTS)


def test_activity_counts_the_events_of_batch_and_speed_together(shop: Shop) -> None:
    answer = asked(shop, "activity", **{"from": END - 2 * 86_400_000})
    inside = [event for event in shop.events if event.event_time >= END - 2 * 86_400_000]
    assert answer["kinds"] == dict(Counter(event.kind for event in inside))
    assert answer["events"] == len(inside) == sum(row["events"] for row in answer["rows"])
    assert len(answer["rows"]) == 48
    users = {event.user_id for event in inside}
    assert answer["users"]["estimate"] == pytest.approx(len(users), rel=0.07)
    of_one = asked(shop, "activity", category="DIY")
    assert of_one["events"] == sum(1 for e in shop.events if e.category == "DIY" and e.event_time >= of_one["from"])
    assert of_one["users"] is None


def test_engagement_of_some_categories_has_only_those(shop: Shop) -> None:
    answer = asked(shop, "engagement", category=["Food", "Tech"])
    assert {row["category"] for row in answer["rows"]} == {"Food", "Tech"}
    clicks = sum(1 for event in shop.events if event.kind == "click" and event.category == "Food")
    (food,) = (row for row in answer["rows"] if row["category"] == "Food")
    assert food["click_through"]["count"] == clicks


def test_devices_and_formats_and_sources_have_rows_of_all(shop: Shop) -> None:
    assert {row["device"] for row in asked(shop, "devices")["rows"]} == {"phone", "desktop", "tablet"}
    assert {row["source"] for row in asked(shop, "sources")["rows"]} == {"als", "similar", "trending", "popular"}
    formats = asked(shop, "formats")["rows"]
    assert {row["format"] for row in formats} == {"video", "image", "carousel", "idea"}
    assert sum(row["views"] for row in formats) == sum(1 for event in shop.events if event.kind == "view")


def test_viral_names_the_planted_item_with_its_title(shop: Shop) -> None:
    answer = asked(shop, "viral", category="DIY", **{"from": END - 36 * BUCKET_MS})
    assert answer["verdict"] == "found", answer
    first = answer["rows"][0]
    assert (first["category"], first["items"][0]["item_id"]) == ("DIY", f"pin-{BOARD.viral_item}")
    assert first["items"][0]["title"].startswith("DIY")


def test_best_time_takes_a_zone(shop: Shop) -> None:
    answer = asked(shop, "best-time", category="Food", zone="Europe/Berlin")
    assert (answer["zone"], len(answer["rows"]), len(answer["weekdays"])) == ("Europe/Berlin", 24, 7)


def test_a_name_of_no_insight_lists_the_names(shop: Shop) -> None:
    assert problem(shop.client.get("/insights/nothing"), 404)["insights"] == list(INSIGHTS)


def test_a_category_that_matches_nothing_names_those_that_would(shop: Shop) -> None:
    for name in ("activity", "engagement", "devices", "best-time", "formats", "viral"):
        refused = problem(shop.client.get(f"/insights/{name}", params={"category": "Fashon"}), 422)
        assert set(refused["would_match"]) == set(CATEGORIES), name
        assert "Fashion" in refused["detail"]


def test_a_range_outside_the_data_names_the_range_that_exists(shop: Shop) -> None:
    exists = asked(shop, "activity")["exists"]
    for query in ({"to": exists["from"]}, {"from": exists["to"]}):
        assert problem(shop.client.get("/insights/activity", params=query), 422)["exists"] == exists
    cut = asked(shop, "activity", **{"from": exists["from"] - 10**9, "to": exists["to"] + 10**9})
    assert (cut["from"], cut["to"]) == (exists["from"], exists["to"])


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("sources", {"category": "DIY"}), ("activity", {"zone": "UTC"}), ("best-time", {"zone": "Mars/Base"}),
        ("activity", {"from": END, "to": END - 1}), ("activity", {"from": "yesterday"}), ("activity", {"unknown": 1}),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_applied_is_refused(shop: Shop, name: str, query: dict[str, Any]) -> None:
    assert problem(shop.client.get(f"/insights/{name}", params=query), 422)["detail"]


def test_the_command_says_what_the_route_says(shop: Shop) -> None:
    here = CommandsHere(shop.home, {"MILLRACE_HOME": str(shop.home)})
    printed = here.json("insights", "engagement", "--category", "Food", "--category", "Tech")
    assert printed == asked(shop, "engagement", category=["Food", "Tech"])
    for name in INSIGHTS:
        assert asked(shop, name)["says"].split()[0] in here.run("insights", name).stdout


def test_freshness_is_that_of_the_hours_in_which_events_entered_the_log(shop: Shop) -> None:
    answer = asked(shop, FRESHNESS)
    assert answer.keys() >= HEADER
    assert (answer["from"], answer["to"]) == (NOW - 45 * BUCKET_MS, NOW + 3 * BUCKET_MS)
    assert answer["exists"] == {"from": NOW - 100 * BUCKET_MS, "to": NOW + 3 * BUCKET_MS}
    assert [(row["from"], row["events"], row["max"]) for row in answer["rows"]] == [
        (NOW, 400, 0.2), (NOW + 2 * BUCKET_MS, 200, 60.0),
    ]  # fmt: skip
    assert (answer["verdict"], answer["slow"], answer["total"]["max"]) == ("found", [NOW + 2 * BUCKET_MS], 60.0)
    assert "2033-" in answer["says"]
    early = asked(shop, FRESHNESS, **{"from": NOW - 200 * BUCKET_MS, "to": NOW})
    assert [row["events"] for row in early["rows"]] == [1]
    assert problem(shop.client.get(f"/insights/{FRESHNESS}", params={"to": END}), 422)["exists"] == answer["exists"]
    assert "cannot be asked by category" in problem(
        shop.client.get(f"/insights/{FRESHNESS}", params={"category": "DIY"}), 422
    )["detail"]  # fmt: skip
    here = CommandsHere(shop.home, {"MILLRACE_HOME": str(shop.home)})
    assert here.json("insights", FRESHNESS) == answer
    assert "60 s" in here.run("insights", FRESHNESS).stdout


def test_where_nothing_was_recorded_freshness_says_so(tmp_path: Path) -> None:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed(list(drafts())[:20], RULES))
    world.begin()
    world.run_speed(20)
    answer = CommandsHere(tmp_path, {"MILLRACE_HOME": str(tmp_path)}).json("insights", FRESHNESS)
    assert (answer["verdict"], answer["rows"], answer["exists"], answer["from"]) == ("too_little_data", [], None, None)
    assert "nothing is known yet" in answer["says"]
    for store in (batch, speed):
        store.close()


def test_the_command_refuses_with_a_sentence(shop: Shop) -> None:
    here = CommandsHere(shop.home, {"MILLRACE_HOME": str(shop.home)})
    assert "Fashion" in here.refused("insights", "engagement", "--category", "Fashon")
    assert "best-time" in here.run("insights", "nothing", status=2).stderr


def test_the_dashboard_has_figures_against_the_day_before(shop: Shop) -> None:
    answer = shop.client.get("/analytics/dashboard").json()
    day = 24 * BUCKET_MS
    now, before = ([event for event in shop.events if end - day <= event.event_time < end] for end in (END, END - day))
    events = answer["kpis"]["events"]
    assert (events["value"], events["before"]) == (len(now), len(before))
    assert events["change"]["ratio"] == pytest.approx(len(now) / len(before))
    assert events["change"]["low"] < events["change"]["ratio"] < events["change"]["high"]
    assert (answer["from"], answer["to"]) == (END - day, END)
    assert sum(row["events"] for row in answer["hours"]) == len(now)
    clicks = answer["kpis"]["click_through"]["value"]
    assert clicks["count"] == sum(1 for event in now if event.kind == "click")
    assert {row["category"] for row in answer["categories"]} == set(CATEGORIES)
    assert sum(row["events"] for row in answer["categories"]) == len(now)
    assert answer["kpis"].keys() == {"events", "users", "engagement", "click_through", "purchases"}


def test_the_dashboard_takes_a_range(shop: Shop) -> None:
    first, end = END - 5 * 24 * BUCKET_MS, END - 3 * 24 * BUCKET_MS
    answer = shop.client.get("/analytics/dashboard", params={"from": first, "to": end}).json()
    inside = [event for event in shop.events if first <= event.event_time < end]
    assert (answer["from"], answer["to"], len(answer["hours"])) == (first, end, 48)
    assert answer["kpis"]["events"]["value"] == len(inside)
    outside = shop.client.get("/analytics/dashboard", params={"to": first - 10**11})
    assert problem(outside, 422)["exists"] == answer["exists"]


def written(value: Any) -> str:
    """A figure as the report writes it."""
    if isinstance(value, dict):
        main, unit = (100 * value["rate"], " %") if "rate" in value else (value["ratio"], "×")
        return f"{main:.3g}{unit}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def tables_of(file: Path) -> dict[str, list[list[str]]]:
    """The words of each table's rows, by its caption."""

    def rows(table: Element) -> list[list[str]]:
        return [[cell.words() for cell in row.named("td")] for row in table.named("tbody")[0].named("tr")]

    document = parsed(file.read_text(encoding="utf-8"))
    return {table.named("caption")[0].text: rows(table) for table in document.named("table")}


def test_every_figure_of_the_report_is_the_api_s(shop: Shop, tmp_path: Path) -> None:
    here, file = CommandsHere(shop.home, {"MILLRACE_HOME": str(shop.home)}), tmp_path / "report.html"
    printed = here.json("report", "--out", file, "--time-zone", "Europe/Berlin")
    span, tables = {"from": printed["from"], "to": printed["to"]}, tables_of(file)
    assert printed["bytes"] == file.stat().st_size
    columns = {
        "activity": ("events",), "engagement": ("category", "events", "engagement", "click_through"),
        "devices": ("device", "events"), "sources": ("source", "impressions", "clicks", "saves", "purchases"),
        "formats": ("format", "items", "views", "saves", "shares", "ratio"),
    }  # fmt: skip
    for name, of_rows in columns.items():
        rows = asked(shop, name, **span)["rows"]
        assert len(tables[name]) == len(rows) > 0
        for cells, row in zip(tables[name], rows, strict=True):
            begin = 1 if name == "activity" else 0
            for cell, column in zip(cells[begin:], of_rows, strict=False):
                assert cell.split("  ")[0].startswith(written(row[column])), (name, column)
    hours = asked(shop, "best-time", zone="Europe/Berlin", **span)["rows"]
    assert [cells[1] for cells in tables["by hour"]] == [written(row["events"]) for row in hours]
    trends = shop.client.get("/trending").json()["items"]
    assert [cells[2] for cells in tables["Trending now, with the course of each item"]] == [
        written(row["count"]) for row in trends
    ]
    buckets = here.json("bucket-changes", "--window", "3h", "-n", "1000")["buckets"]
    known = {
        (row["item_id"], str(row["previous"]), str(row["count"]), f"{row['change']:+.2f}")
        for hour in buckets for row in hour["items"]
    }  # fmt: skip
    changed = tables["Changes from hour to hour"]
    assert changed
    assert {(cells[1].split()[-1], *cells[3:6]) for cells in changed} <= known
    kept = shop.client.get("/generations").json()["generations"]
    assert [cells[0].split()[0] for cells in tables["The kept generations"]] == [kept[-1]["id"]]
    mapped = tables["The 40 most popular of these items"]
    query = {"item": mapped[0][0].split()[-1], "hours": (span["to"] - span["from"]) // BUCKET_MS}
    (first,) = shop.client.get("/items", params=query).json()["items"]
    assert mapped[0][2] == written(sum(first["batch"]) + sum(first["speed"]))


def test_the_report_of_a_category_has_only_that(shop: Shop, tmp_path: Path) -> None:
    here, file = CommandsHere(shop.home, {"MILLRACE_HOME": str(shop.home)}), tmp_path / "report.html"
    printed = here.json("report", "--out", file, "--category", "Food", "--from", str(END - 5 * 86_400_000))
    assert (printed["from"], printed["to"]) == (END - 5 * 86_400_000, END)
    tables = tables_of(file)
    assert [cells[0] for cells in tables["engagement"]] == ["Food"]
    (mapped,) = (rows for caption, rows in tables.items() if caption.endswith("most popular of these items"))
    assert {cells[1] for cells in mapped} == {"Food"}


def test_a_report_that_cannot_be_made_leaves_no_file_and_replaces_none(shop: Shop, tmp_path: Path) -> None:
    here, file = CommandsHere(shop.home, {"MILLRACE_HOME": str(shop.home)}), tmp_path / "report.html"
    assert "Fashion" in here.refused("report", "--out", file, "--category", "Fashon")
    assert "from 20" in here.refused("report", "--out", file, "--to", "2020-01-01T00:00:00Z")
    assert "Mars/Base" in here.refused("report", "--out", file, "--time-zone", "Mars/Base")
    assert "nothing" in here.refused("report", "--out", file, status=3, MILLRACE_HOME=str(tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []
    file.write_text("mine")
    assert "--force" in here.refused("report", "--out", file)
    assert file.read_text() == "mine"
    here.run("report", "--out", file, "--force")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
