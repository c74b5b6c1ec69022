"""The databases that take an export: which are refused, with what sentence, and one transaction holds all."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from millrace.export.database.tables import BY_NAME, MARKER, adopt, delete_gone
from millrace.export.database.target import open_target, require_ours
from schemas.errors import SettingsError
from tests.kit.postgres import postgres_database

TAGS = BY_NAME["item_tags"]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'exported.sqlite'}"
    return postgres_database(request.getfixturevalue("postgres"))


def run(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """What the last of these says, each on a connection of its own."""
    rows: list[tuple[Any, ...]] = []
    for statement in statements:
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
                rows = connection.execute(statement).fetchall()
        else:
            with psycopg.connect(url) as connection:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
    return rows


def test_tables_that_no_export_made_are_never_touched(url: str) -> None:
    run(url, "CREATE TABLE items (item_id TEXT, mine TEXT)", "INSERT INTO items VALUES ('a', 'b')")
    with (
        pytest.raises(SettingsError, match="has a table 'items' that no export of Millrace made"),
        open_target(url) as target,
    ):
        require_ours(target)
    assert run(url, "SELECT * FROM items") == [("a", "b")]


def test_an_export_of_another_form_is_refused(url: str) -> None:
    run(url, f"CREATE TABLE {MARKER} (name TEXT, value TEXT)", f"INSERT INTO {MARKER} VALUES ('form', '99')")
    with pytest.raises(SettingsError, match=r"another version of Millrace \(form 99\)"), open_target(url) as target:
        require_ours(target)


def merge_and_fail(url: str) -> None:
    """Change one row, delete the others, and fail before the end of the transaction."""
    with open_target(url) as target:
        target.run(target.dialect.stage(TAGS))
        target.stage("item_tags", [("i", "x", 0.25)])
        assert target.run(target.dialect.merge(TAGS)) == 1
        assert target.run(delete_gone(TAGS)) == 2
        raise ZeroDivisionError


def test_the_merge_inserts_updates_and_deletes_and_a_failure_takes_all_back(url: str) -> None:
    rows = [("i", "x", 0.5), ("i", "y", 0.5), ("ї/%\"';", "\t\\N\n", None)]
    with open_target(url) as target:
        for table in (BY_NAME["categories"], BY_NAME["items"], TAGS):
            target.run(target.dialect.create(table))
            target.run(target.dialect.stage(table))
        assert target.stage("item_tags", rows) == 3
        target.run(adopt("items", "item_id", "item_tags", "item_id"))
        assert [target.run(target.dialect.merge(BY_NAME[name])) for name in ("items", "item_tags")] == [2, 3]
        assert [target.run(target.dialect.merge(BY_NAME[name])) for name in ("items", "item_tags")] == [0, 0]
    assert sorted(run(url, "SELECT item_id, tag, weight FROM item_tags"), key=str) == sorted(rows, key=str)
    with pytest.raises(ZeroDivisionError):
        merge_and_fail(url)
    assert len(run(url, "SELECT 1 FROM item_tags WHERE weight = 0.5")) == 2


def test_postgres_must_hold_every_character(postgres: str) -> None:
    refused = pytest.raises(SettingsError, match="encoded in SQL_ASCII")
    with refused, open_target(postgres_database(postgres, "SQL_ASCII")):
        pass


def test_postgres_must_have_the_schema_that_the_address_names(postgres: str) -> None:
    address = postgres_database(postgres) + "?options=-csearch_path%3Dshop"
    with pytest.raises(SettingsError, match="CREATE SCHEMA"), open_target(address):
        pass
    run(address, "CREATE SCHEMA shop")
    with open_target(address) as target:
        require_ours(target)


@pytest.mark.parametrize(
    "address",
    ["postgresql://u:secret@127.0.0.1:1/d", "postgres://u:secret@[::1", "mysql://u:secret@h/d", "secret", "sqlite:///"],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(SettingsError) as refused, open_target(address):
        pass
    assert "secret@" not in str(refused.value)
    assert "write" in str(refused.value)


def test_a_wrong_password_is_not_shown(postgres: str) -> None:
    with (
        pytest.raises(SettingsError) as refused,
        open_target(postgres.replace("p%40ss%2Fword", "sesame") + "/postgres"),
    ):
        pass
    assert "password authentication failed" in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none/a\.sqlite"), open_target(f"sqlite:///{tmp_path}/none/a.sqlite"):
        pass
