"""``millrace reproduce``: what was answered is answered again from lake, log and the kept generation, and no lie is."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.log.forgotten import forget
from adapters.settings.blending import BlendSettings
from core.partitions.partitioner import partition_of
from schemas.event import Event, Record
from schemas.rules import Rules
from serving_layer.answers import lookups, together
from serving_layer.answers.recommend import Wish, explain, profile, recommend, recommend_to_many
from serving_layer.merged.pages import Page
from serving_layer.reading.answering import answer
from tests.kit.commands import CommandsHere
from tests.kit.hostile import TIMESTAMP
from tests.kit.installation import Installation, installation
from tests.kit.mixed_stream import SHOP, in_parts, mixed_stream

pytestmark = pytest.mark.kafka

Answers = dict[str, dict[str, Any]]
VARIED = {"explored": BlendSettings(explore=0.5), "capped": BlendSettings(per_category=1)}


@pytest.fixture(scope="module")
def shop(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A generation over two thirds of a stream with every kind of record, and the rest in the speed view."""
    made = installation(None, kafka_bootstrap, {}, tmp_path_factory.mktemp("home"), speed_engine="local")
    first, second, third = in_parts(mixed_stream(made.settings.rules), 3)
    made.produce([*first, *second])
    made.batch()
    made.produce([*third, *first_events(made.settings.rules)])
    made.speed()
    yield made
    made.close()


def first_events(rules: Rules) -> Iterator[Record]:
    """Items that are new at the log's end: each has its first event there."""
    for number in range(4):
        user, item = f"finder-{number}", f"new-{number}"
        event = {"event_id": item, "event_time": TIMESTAMP, "kind": "view", "user_id": user, "item_id": item}
        partition = partition_of(user.encode(), rules.partitioner, rules.partitions)
        yield Record("events", partition, 0, TIMESTAMP, user.encode(), json.dumps(event).encode())


def frequent(names: Iterable[str]) -> list[bytes]:
    """The names, the most frequent first."""
    return [name.encode() for name, _ in Counter(names).most_common()]


@pytest.fixture(scope="module")
def answers(shop: Installation) -> Answers:
    """One of each kind, given at the same moment; more is written and published afterwards."""
    events = [event for _, event in shop.judged() if isinstance(event, Event)]
    users, items = (frequent(getattr(event, name) for event in events) for name in ("user_id", "item_id"))
    asked = {
        "recommend": lambda s: recommend(s, users[0], Wish(Page(4))),
        "recommend to nobody known": lambda s: recommend(s, b"nobody", Wish()),
        "recommend to several": lambda s: recommend_to_many(s, users[:3], Wish(Page(3))),
        "similar": lambda s: lookups.similar(s, items[0], Page(3)),
        "similar to several": lambda s: together.similar_to_all(s, items[:2], Page(3)),
        "trending": lambda s: lookups.trending(s, 24, None, Page(5)),
        "popular": lambda s: lookups.trending(s, 168, TIMESTAMP - 3_600_000, Page(5)),
        "history": lambda s: lookups.history(s, users[1], Page()),
        "changes": lambda s: lookups.bucket_changes(s, 5, None, Page(2)),
        "explain": lambda s: explain(s, users[0], items[1]),
        "profile": lambda s: profile(s, users[0]),
        "latest": lambda s: together.latest(s, Page(3)),
        "item": lambda s: lookups.item(s, items[2]),
    }
    given = {name: answer(shop.views, compute) for name, compute in asked.items()}
    for name, blend in (*VARIED.items(), ("plain", BlendSettings())):
        views = replace(shop.views, variety=blend.variety)
        given |= {f"{name} {user!r}": answer(views, lambda s, user=user: recommend(s, user, Wish(Page(6))))
                  for user in users}  # fmt: skip
    assert not any(body["degraded"] for body in given.values())
    shop.produce(in_parts(mixed_stream(shop.settings.rules, replace(SHOP, seed=7)), 1)[0])
    shop.batch()
    shop.speed()
    return given


@pytest.fixture
def commands(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> CommandsHere:
    monkeypatch.setattr("millrace.reproduce.command.load_settings", lambda: shop.settings)
    return CommandsHere(shop.settings.home)


KINDS = [
    "recommend", "recommend to nobody known", "recommend to several", "similar", "similar to several", "trending",
    "popular", "history", "changes", "explain", "profile", "latest", "item",
]  # fmt: skip


def write(path: Path, body: dict[str, Any]) -> Path:
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_given_again_although_more_was_written_and_published_since(
    commands: CommandsHere, answers: Answers, tmp_path: Path, kind: str
) -> None:
    options = ["-n", "3"] if kind == "recommend to several" else []
    report = commands.json("reproduce", write(tmp_path / "answer.json", answers[kind]), *options)
    assert (report["differences"], report["reproduced"]) == ([], True)
    assert report["fields"] > 5
    assert report["generation"] == answers[kind]["generation"]


@pytest.mark.parametrize("name", VARIED)
def test_new_items_that_were_given_a_chance_and_capped_categories_are_listed_again(
    commands: CommandsHere, shop: Installation, answers: Answers, tmp_path: Path, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Both follow from user, place and the prefix: nothing of them is drawn again."""
    pairs = [(body, answers[key.replace(name, "plain")]) for key, body in answers.items() if key.startswith(name)]
    body = next(varied for varied, plain in pairs if varied["items"] != plain["items"])
    assert any(row.get("explored") for row in body["items"]) == (name == "explored")
    path = write(tmp_path / "answer.json", body)
    assert commands.json("reproduce", path, status=1)["differences"]
    monkeypatch.setattr("millrace.reproduce.command.load_settings", lambda: replace(shop.settings, blend=VARIED[name]))
    assert commands.json("reproduce", path)["differences"] == []


def test_each_kind_answered_something(answers: Answers) -> None:
    rows = ("recommend", "recommend to nobody known", "similar", "similar to several", "trending", "popular", "history")
    assert all(answers[kind]["items"] for kind in rows)
    assert answers["recommend"]["segment"] is not None
    assert answers["popular"]["basis"] == "popular"


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("recommend", ("items", 0, "score"), 0.5),
        ("recommend", ("items", 1, "item_id"), "planted"),
        ("similar", ("items", 0, "co_rating"), 1e6),
        ("trending", ("items", 0, "count"), 77),
        ("history", ("items", 0, "last_time"), 1),
        ("explain", ("seen",), "yes"),
        ("history", ("fresh_to", "event_time"), 5),
    ],
)
def test_a_changed_value_is_named_with_both_values(
    commands: CommandsHere, answers: Answers, tmp_path: Path, kind: str, path: tuple[str | int, ...], value: Any
) -> None:
    body = json.loads(json.dumps(answers[kind]))
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    truth, inner[path[-1]] = inner[path[-1]], value
    report = commands.json("reproduce", write(tmp_path / "a", body), status=1)
    first = report["differences"][0]
    assert (first["given"], first["recomputed"]) == (value, truth)
    text = commands.run("reproduce", tmp_path / "a", status=1).stdout
    assert "differ" in text
    assert first["field"] in text


def test_a_row_that_was_left_out_is_seen(commands: CommandsHere, answers: Answers, tmp_path: Path) -> None:
    """The list claims to have ended."""
    body = {**answers["similar"], "items": answers["similar"]["items"][:-1], "next_cursor": None}
    assert commands.json("reproduce", write(tmp_path / "a", body), status=1)["differences"]


def test_an_answer_of_an_earlier_prefix_is_not_that_of_a_later_one(
    commands: CommandsHere, shop: Installation, answers: Answers, tmp_path: Path
) -> None:
    ends = {str(partition): offset for partition, offset in shop.log.end_offsets().items()}
    body = {**answers["trending"], "fresh_to": {**answers["trending"]["fresh_to"], "offsets": ends}}
    assert not commands.json("reproduce", write(tmp_path / "a", body), status=1)["reproduced"]


def test_a_generation_that_is_no_longer_kept_is_named_and_only_models_need_it(
    commands: CommandsHere, answers: Answers, tmp_path: Path
) -> None:
    gone = {"generation": "20200101T000000-gone"}
    report = commands.json("reproduce", write(tmp_path / "a", answers["similar"] | gone))
    assert any("20200101T000000-gone is no longer kept" in note for note in report["notes"])
    sentence = commands.refused("reproduce", write(tmp_path / "b", answers["recommend"] | gone))
    assert "its models made this answer" in sentence


def test_what_cannot_be_computed_again_is_refused_with_the_reason(
    commands: CommandsHere, answers: Answers, tmp_path: Path
) -> None:
    similar = answers["similar"]
    basket = {name: value for name, value in answers["recommend"].items() if name != "user_id"}
    refused = {
        "has no header": {name: value for name, value in similar.items() if name != "fresh_to"},
        "another installation": {**similar, "fresh_to": {"event_time": 1, "offsets": {"0": 1}}},
        "without the batch view": {**similar, "degraded": ["batch"]},
        "does not hold them": basket,
        "no answer that can be reproduced": {"status": "alive"},
    }
    for number, (reason, body) in enumerate(refused.items()):
        assert reason in commands.refused("reproduce", write(tmp_path / str(number), body))
    (tmp_path / "text").write_text("no json")
    assert "is not JSON" in commands.refused("reproduce", tmp_path / "text")
    assert "one JSON object" in commands.refused("reproduce", write(tmp_path / "list", []))  # type: ignore[arg-type]


def test_users_who_were_forgotten_since_are_noted(
    commands: CommandsHere, shop: Installation, answers: Answers, tmp_path: Path
) -> None:
    forget(shop.log, shop.settings.rules, answers["history"]["user_id"], 1)
    notes = commands.json("reproduce", write(tmp_path / "a", answers["history"]))["notes"]
    assert any("1 user(s) were forgotten since" in note for note in notes)
