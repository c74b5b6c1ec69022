"""A walk lives through the log as the product would: what counts when, by figures that are known beforehand."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.settings import Settings
from batch_layer.learning.evaluation import by_time, coded
from batch_layer.learning.past import SmallPast
from millrace.judging.asked_for import Asking
from millrace.judging.asking import judge
from millrace.judging.command import evaluate
from millrace.judging.events import in_file
from millrace.judging.world import World, as_log
from recommenders import TABLE, settings_of
from recommenders.opened import fit_all
from schemas.rules import Rules
from serving_layer.answers.recommend import Wish, lists, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from tests.kit.streams import START, rating_shop

MINUTE = 60_000
Row = tuple[str, str, int]  # user, item, minute
Write = Callable[[list[Row]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of views, one event a row."""

    def written(rows: list[Row]) -> Path:
        path = tmp_path / "events.jsonl"
        lines = [
            {
                "event_id": f"e{k}",
                "event_time": START + minute * MINUTE,
                "kind": "view",
                "user_id": user,
                "item_id": item,
            }
            for k, (user, item, minute) in enumerate(rows)
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return path

    return written


def fashion() -> list[Row]:
    """Forty users touch five old items; in the last fifth one after the other touches the same new one, each minute."""
    return [(f"u{k % 40}", f"a{k % 5}", k) for k in range(160)] + [(f"u{k}", "new", 160 + k) for k in range(40)]


def only(*names: str) -> Settings:
    """Settings with which no other source is asked."""
    return Settings.of(recommenders={name: {"weight": float(name in names)} for name in TABLE})


def hits(report: dict[str, Any]) -> int:
    """How many of the touched items were listed."""
    return round(report["blend"]["hr@10"] * report["blend"]["events"])


def test_each_regime_knows_what_its_name_says(write: Write) -> None:
    path = write(fashion())
    asking = Asking("walk", every=5 * MINUTE, late=10 * MINUTE)
    report = judge(only("popular"), path, asking)
    # Fewer than ten items: an item is listed as soon as it is known. The first user of the new one never knows it.
    by_regime = {name: hits(regime) for name, regime in report["regimes"].items()}
    assert by_regime == {"live": 39, "retrained": 35, "frozen": 0, "late": 29}
    assert report["blend"] == report["regimes"]["live"]["blend"]
    assert (report["protocol"], report["asked"], report["judged_users"]) == ("walk", 40, 40)
    assert [regime["generations"] for regime in report["regimes"].values()] == [8, 8, 1, 8]
    assert report["items_by_known_events"]["0"] == {"events": 1, "hr@10": 0.0}
    assert report["users_by_known_events"] == {"3-4": {"events": 40, "hr@10": 39 / 40}}
    assert judge(only("popular"), path, asking) == report


def test_events_of_one_moment_count_for_each_other_only_where_nothing_is_late(write: Write) -> None:
    path = write([(user, item, min(minute, 160)) for user, item, minute in fashion()])
    report = judge(only("popular"), path, Asking("walk", regimes=("live",), late=0))
    assert {name: hits(regime) for name, regime in report["regimes"].items()} == {"live": 39, "late": 0}


def test_new_users_are_shown_apart_and_sources_that_are_off_are_judged_on_request(write: Write) -> None:
    path = write([*fashion(), *((f"stranger{k}", "a0", 200 + k) for k in range(3))])
    asking = Asking("walk", regimes=("live",), every=0)
    report = judge(only("popular"), path, Asking("walk", every_source=True, regimes=("live",), every=0))
    assert report["users_by_known_events"]["0"] == {"events": 3, "hr@10": 1.0}
    assert report["asked"] == 38  # of the last fifth of 203 events
    assert set(report["models"]) == set(TABLE)
    alone = judge(only("popular"), path, asking)
    assert set(alone["models"]) == {"popular"}
    costs = {"training_seconds", "answer_ms"}  # of all sources, where all are judged
    assert costs <= report["models"]["similar"].keys() & report["blend"].keys()
    assert {name: value for name, value in report["blend"].items() if name not in costs} == alone["blend"]
    listed = alone["blend"]
    assert listed["precision@10"] == pytest.approx(listed["hr@10"] / 10)
    assert (
        2.32 < listed["novelty"] < 5.33
    )  # a fifth of forty users had touched each old item, nearly nobody the new one
    assert alone["differences"]["popular"]["hr@10 95 %"] == [0.0, 0.0]


SHELVES = [(f"{'ab'[k % 2]}-fan{k}", f"{'ab'[k % 2]}{step}", 20 * step + k) for step in range(5) for k in range(20)]


@pytest.mark.parametrize("protocol", ["time", "walk"])
@pytest.mark.parametrize("known_from", ["records", "events", "nothing"])
def test_tastes_are_judged_by_the_categories_that_records_or_events_name(
    protocol: str, known_from: str, tmp_path: Path
) -> None:
    """Fans of two kinds touch the four items of theirs in turn; all have been touched before by others."""
    fans = [(f"x{k}", f"{'ab'[k % 2]}4", k) for k in range(4)] + [(u, i, 4 + minute) for u, i, minute in SHELVES]
    named = {"category": None} if known_from != "events" else {}
    lines = [
        {"event_id": f"e{k}", "event_time": START + minute * MINUTE, "kind": "view", "user_id": user, "item_id": item}
        | ({"category": item[0]} | named)
        for k, (user, item, minute) in enumerate(fans)
    ]
    events, items = tmp_path / "events.jsonl", tmp_path / "items.jsonl"
    events.write_text("\n".join(map(json.dumps, lines)))
    names = sorted({item for _, item, _ in fans})
    records = [{"item_id": item, "categories": [item[0]]} for item in names if known_from == "records"]
    items.write_text("\n".join(map(json.dumps, [*records, {"item_id": 7}])))
    report = judge(only("affinity"), events, Asking(protocol, regimes=("live",), every=0, items=items))
    assert report["blend"]["hr@10"] == (0.0 if known_from == "nothing" else 1.0)


def test_a_walk_lists_what_recommend_answers(tmp_path: Path) -> None:
    lines = [
        {"event_id": e.event_id, "event_time": e.event_time, "kind": "view", "user_id": e.user_id, "item_id": e.item_id}
        for e in rating_shop()
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ordered = by_time(in_file(tmp_path / "events.jsonl", Rules()))
    events, names = coded(ordered)
    settings = settings_of({"als": {"factors": 4, "iterations": 2}})
    world = World(as_log(ordered), Rules(), settings, 0.0)
    world.publish(600, fit_all(SmallPast(events.before(600), names, report=lambda _: None), settings), {})
    for end in (601, 700, len(events)):
        world.advance(end)
        for user in ordered.column("user").unique().to_pylist()[::7]:
            wish = Wish(Page(10))
            listed = answer(world.views, partial(lists, user=user.encode(), wish=wish, blended=list(settings)))
            served = answer(world.views, partial(recommend, user=user.encode(), wish=wish))
            assert served["fresh_to"]["offsets"] == {"0": end}
            assert listed[""] == [(row["item_id"].encode(), row["score"]) for row in served["items"]]
            assert {row["source"] for row in served["items"]} <= listed.keys()


TOO_LITTLE: dict[str, tuple[list[Row], str]] = {
    "nothing": ([], "there are 0 events, and a walk needs some before a moment and some after it"),
    "one moment": ([(f"u{k}", f"i{k % 3}", 0) for k in range(9)],
                   "all events are of one moment, and a walk needs some before a moment and some after it"),
    "constant items": ([(f"u{k % 3}", "a", k) for k in range(9)], "every event is of the same item"),
    "only repeats": ([("u", f"i{k % 2}", k) for k in range(9)],
                     "in the later part, no user with an earlier event touches something new"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOO_LITTLE)
def test_a_log_that_cannot_be_walked_is_one_sentence_without_figures(kind: str, write: Write) -> None:
    rows, why = TOO_LITTLE[kind]
    report = judge(Settings(), write(rows), Asking("walk"))
    assert (report["models"], report["missing"]) == ({}, f"nothing to judge: {why}")
    assert "blend" not in report


def test_the_command_shows_each_regime(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    path = str(write(fashion()))
    shown = CliRunner().invoke(evaluate, ["--events", path, "--protocol", "walk", "--every", "0s", "--regime", "live"])
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "40 events of 40 users asked about" in shown.stdout
    assert "live: 1 generation(s)" in shown.stdout
    wrong = CliRunner().invoke(evaluate, ["--events", path, "--protocol", "walk", "--late", "soon"])
    assert wrong.exit_code == 2
    assert "'soon' is not a duration" in wrong.stderr
