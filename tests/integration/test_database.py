"""``millrace export database`` into SQLite and a real PostgreSQL: keys hold, and a second run changes nothing."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from adapters.records.catalogue import catch_up
from adapters.records.lists import change_lists
from adapters.stores.opened import batch_views, speed_views
from core.lists.personal import PersonalList
from millrace.export.database import contents
from millrace.export.database.command import export_database
from millrace.export.database.tables import TABLES
from schemas.errors import SettingsError
from schemas.event import Event
from serving_layer.answers import lookups
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.merged.pages import Page
from serving_layer.reading.answering import answer
from tests.kit.commands import CommandsHere
from tests.kit.installation import Installation, installation
from tests.kit.mixed_stream import in_parts, mixed_stream
from tests.kit.postgres import postgres_database

pytestmark = pytest.mark.kafka

TITLED = "ї/%\"'; DROP TABLE items; --"

Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def shop(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A generation, more in the speed view, and records of items and users."""
    made = installation(None, kafka_bootstrap, {}, tmp_path_factory.mktemp("home"), speed_engine="local")
    first, second = in_parts(mixed_stream(made.settings.rules), 2)
    made.produce(first)
    made.batch()
    made.produce(second)
    items = [
        {"item_id": TITLED, "title": "a\u0000b", "tags": ["x", "y", "x"], "categories": ["c1", "c2"], "price": 0,
         "imdb_id": "tt1", "external_ids": {"gtin": 4006381333931, "nested": {}}, "created_at": 0, "region": "eu"},
        {"item_id": "hidden one", "hidden": True, "brand": "b", "tags": {"x": 900, "y": 100}},
    ]  # fmt: skip
    users = [{"user_id": "only a record", "preferences": ["c1"], "attributes": {"a": "\u0000"}}]
    appender = made.log.appender()
    for topic, key, records in ((made.log.topics.items, "item_id", items), (made.log.topics.users, "user_id", users)):
        appender.append_all(topic, [(str(record[key]).encode(), json.dumps(record).encode()) for record in records])
    made.speed()
    catch_up(made.log, speed_views(made.settings))
    store = batch_views(made.settings)
    named = {"c": PersonalList({TITLED: 2.0, "only on a list": 1.0}, 1, 5), "history": PersonalList()}
    change_lists(store, b"a/b", lambda _: named)
    change_lists(store, b"a", lambda _: {"b/c": PersonalList({TITLED: 1.0})})
    store.close()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'exported.sqlite'}"
    return postgres_database(request.getfixturevalue("postgres"))


@pytest.fixture
def query(url: str) -> Query:
    """Runs a statement on a connection of its own, and returns its rows."""

    def run(statement: str) -> list[tuple[Any, ...]]:
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
                connection.execute("PRAGMA foreign_keys = ON")
                return connection.execute(statement).fetchall()
        with psycopg.connect(url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return run


def dump(query: Query) -> dict[str, list[Any]]:
    return {table.name: query(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}") for table in TABLES}


def one(query: Query, statement: str) -> Any:
    ((value,),) = query(statement)
    return value


def test_the_tables_hold_what_the_lookups_answer(shop: Installation, url: str, query: Query) -> None:
    written = export_database(shop.settings, url, 5)
    below = shop.control.active_boundary.offsets
    events = [e for r, e in shop.judged() if isinstance(e, Event) and r.offset < below[r.partition]]
    users = {event.user_id for _, event in shop.judged() if isinstance(event, Event)} | {"only a record", "a", "a/b"}
    assert {user for (user,) in query("SELECT user_id FROM users")} == users
    assert one(query, "SELECT count(*) FROM interactions") == len(events) == written["rows"]["interactions"]
    user = max(users, key=lambda name: sum(event.user_id == name for event in events))
    blend = answer(shop.views, lambda s: recommend(s, user.encode(), Wish(Page(5))))
    rows = "SELECT user_id, item_id, rank, score FROM recommendations WHERE model = 'blend'"
    mine = sorted((rank, item, score) for name, item, rank, score in query(rows) if name == user)
    assert [item for _, item, _ in mine] == [row["item_id"] for row in blend["items"]]
    assert [score for *_, score in mine] == pytest.approx([row["score"] for row in blend["items"]])
    history = answer(shop.views, lambda s: lookups.history(s, user.encode(), Page(100)))
    entries = query(
        "SELECT l.user_id, i.place, i.item_id, i.value FROM lists l JOIN list_items i ON i.list_id = l.list_id "
        "WHERE l.list_id LIKE 'history/%'"
    )
    assert sorted(entry[1:] for entry in entries if entry[0] == user) == [
        (place, row["item_id"], row["rating"]) for place, row in enumerate(history["items"], 1)
    ]
    assert one(query, "SELECT value FROM millrace_export WHERE name = 'generation'") == blend["generation"]


def test_lists_that_users_made_are_theirs_with_weights(shop: Installation, url: str, query: Query) -> None:
    export_database(shop.settings, url, 5)
    own = "list_id LIKE 'own/%'"
    named = query(f"SELECT user_id, name FROM lists WHERE {own}")
    assert sorted(named) == [("a", "b/c"), ("a/b", "c"), ("a/b", "history")]
    entries = query(
        "SELECT l.user_id, i.place, i.item_id, i.value FROM lists l JOIN list_items i ON i.list_id = l.list_id "
        f"WHERE l.{own}"
    )
    assert sorted(entries) == [("a", 1, TITLED, 1.0), ("a/b", 1, TITLED, 2.0), ("a/b", 2, "only on a list", 1.0)]


def test_records_of_items_have_categories_weighted_tags_and_external_ids(
    shop: Installation, url: str, query: Query
) -> None:
    export_database(shop.settings, url, 5)
    quoted = TITLED.replace("'", "''")
    where = f"WHERE item_id = '{quoted}'"
    title = one(query, f"SELECT title FROM items {where}")
    assert title == ("a\0b" if url.startswith("sqlite") else "a\ufffdb")
    assert sorted(query(f"SELECT tag, weight FROM item_tags {where}")) == [("x", 0.5), ("y", 0.5)]
    weighed = "SELECT tag, weight FROM item_tags WHERE item_id = 'hidden one'"
    assert sorted(query(weighed)) == [("x", 0.9), ("y", 0.1)]
    assert sorted(query(f"SELECT system, external_id FROM external_ids {where}")) == [
        ("gtin", "4006381333931"), ("imdb", "tt1"),
    ]  # fmt: skip
    assert query(f"SELECT category, place FROM item_categories {where} ORDER BY place") == [("c1", 1), ("c2", 2)]
    assert one(query, "SELECT hidden FROM items WHERE item_id = 'hidden one'")
    assert query("SELECT 1 FROM recommendations WHERE item_id = 'hidden one'") == []


def test_content_and_collaborative_answers_are_views_of_their_own(shop: Installation, url: str, query: Query) -> None:
    export_database(shop.settings, url, 5)
    of_content = {model for (model,) in query("SELECT DISTINCT model FROM content_recommendations")}
    assert of_content == {"affinity"}
    assert {"similar"} <= {model for (model,) in query("SELECT DISTINCT model FROM collaborative_recommendations")}
    assert one(query, "SELECT count(DISTINCT user_id) FROM best_recommendations") > 10


def test_a_second_run_leaves_every_row_as_it_is(shop: Installation, url: str, query: Query) -> None:
    export_database(shop.settings, url, 5)
    before = dump(query)
    hidden = "rowid" if url.startswith("sqlite") else "ctid::text || xmin::text"
    rows = query(f"SELECT item_id, {hidden} FROM items ORDER BY item_id")
    export_database(shop.settings, url, 5)
    assert dump(query) == before
    assert query(f"SELECT item_id, {hidden} FROM items ORDER BY item_id") == rows


def test_what_changed_is_brought_up_to_date_and_rows_of_others_stay(shop: Installation, url: str, query: Query) -> None:
    export_database(shop.settings, url, 5)
    before = dump(query)
    query("CREATE TABLE notes (item_id TEXT REFERENCES items (item_id) ON DELETE CASCADE, note TEXT)")
    query("INSERT INTO notes SELECT item_id, 'mine' FROM items")
    query("UPDATE items SET title = 'changed'")
    query("DELETE FROM recommendations")
    query("INSERT INTO users (user_id) VALUES ('gone')")
    export_database(shop.settings, url, 5)
    assert dump(query) == before
    assert one(query, "SELECT count(*) FROM notes") == len(before["items"])


def test_deleting_a_user_or_an_item_takes_all_that_refers_to_it(shop: Installation, url: str, query: Query) -> None:
    export_database(shop.settings, url, 5)
    user = query(
        "SELECT user_id FROM interactions WHERE user_id NOT LIKE '%''%' GROUP BY user_id ORDER BY count(*) DESC"
    )[0][0]
    query(f"DELETE FROM users WHERE user_id = '{user}'")
    for table in ("interactions", "lists", "recommendations"):
        assert query(f"SELECT 1 FROM {table} WHERE user_id = '{user}'") == []
    query("DELETE FROM items")
    for table in ("interactions", "item_tags", "external_ids", "list_items", "recommendations"):
        assert one(query, f"SELECT count(*) FROM {table}") == 0
    query("DELETE FROM categories")


def test_a_failure_changes_nothing(shop: Installation, url: str, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    export_database(shop.settings, url, 5)
    before = dump(query)

    def fail(*_: Any, **__: Any) -> None:
        raise SettingsError("the disk is full")

    monkeypatch.setattr(contents, "about_items", fail)
    with pytest.raises(SettingsError, match="disk"):
        export_database(shop.settings, url, 3)
    assert dump(query) == before


def test_the_command_prints_what_it_wrote_and_hides_the_password(
    shop: Installation, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millrace.export.command.load_settings", lambda: shop.settings)
    printed = CommandsHere(shop.settings.home).json("export", "database", postgres_database(postgres))
    assert "word" not in printed["database"]
    assert printed["rows"]["users"] > 10


def test_events_are_exported_as_they_came_in_the_logs_order(
    shop: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millrace.export.command.load_settings", lambda: shop.settings)
    commands, below = CommandsHere(shop.settings.home), shop.control.active_boundary.offsets
    accepted = [r for r, e in shop.judged() if isinstance(e, Event) and r.offset < below[r.partition]]
    accepted.sort(key=lambda record: (record.partition, record.offset))
    commands.json("export", "events", tmp_path / "e.jsonl")
    lines = (tmp_path / "e.jsonl").read_bytes().split(b"\n")[:-1]
    assert lines == [(record.value or b"").translate(bytes.maketrans(b"\r\n", b"  ")) for record in accepted]
    commands.json("export", "events", tmp_path / "e.parquet")
    rows = pq.read_table(tmp_path / "e.parquet").to_pylist()
    assert [(row["partition"], row["offset"], row["raw"].encode()) for row in rows] == [
        (record.partition, record.offset, record.value) for record in accepted
    ]
