"""``millrace export`` over a small shop: the files hold what the lookups answer."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from adapters.records.books import CATALOGUE
from adapters.records.catalogue import ITEMS, USERS
from adapters.stores import open_store
from core.rows.catalogue_rows import DELETED
from core.rows.views import EXCESS, EXCESS_USERS, VIEWS
from millrace.export import users as chosen
from tests.kit.commands import CommandsHere
from tests.kit.serving import SLASHED, fill


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    world = fill(folder)
    record = {"item_id": SLASHED, "title": 'quoted "title"', "tags": ["new"], "sku": 7}
    rows = {
        (ITEMS, SLASHED.encode()): json.dumps(record).encode(), (ITEMS, b"gone"): DELETED,
        (USERS, b"u1"): json.dumps({"user_id": "u1", "preferences": ["c1"]}).encode(),
        (USERS, b"only a record"): json.dumps({"user_id": "only a record", "preferences": ["c1"]}).encode(),
    }  # fmt: skip
    world.speed.swap(CATALOGUE, None, b"{}")
    world.speed.put(CATALOGUE, rows, guard=b"{}")
    world.batch.close()
    world.speed.close()
    return folder


@pytest.fixture
def commands(home: Path) -> CommandsHere:
    return CommandsHere(home, {"MILLRACE_HOME": str(home)})


def by_user(path: Path) -> dict[str, list[dict[str, Any]]]:
    rows = defaultdict(list)
    for row in pq.read_table(path).to_pylist():
        rows[row.pop("user_id")].append(row)
    return dict(rows)


def test_histories_are_those_of_the_lookups_for_every_user(commands: CommandsHere, tmp_path: Path) -> None:
    written = commands.json("export", "histories", tmp_path / "h.parquet")
    rows = by_user(tmp_path / "h.parquet")
    assert len(rows) == 20 == written["users"]
    assert written["rows"] == sum(map(len, rows.values()))
    for user in ("u0", "u7"):
        answer = commands.json("history", user, "-n", "100")
        assert [{k: v for k, v in row.items() if k != "place"} for row in rows[user]] == answer["items"]
        assert written["generation"] == answer["generation"]
        assert written["fresh_to"] == answer["fresh_to"]


def test_recommendations_are_those_of_the_lookup_and_new_users_have_some(
    commands: CommandsHere, tmp_path: Path
) -> None:
    written = commands.json("export", "recommendations", tmp_path / "r.parquet", "-n", "3")
    rows = by_user(tmp_path / "r.parquet")
    assert written["users"] == 21
    assert not any(row["personal"] for row in rows["only a record"])
    for user in ("u3", "only a record"):
        expected = commands.json("recommend", user, "-n", "3")["items"]
        assert [row["item_id"] for row in rows[user]] == [row["item_id"] for row in expected]
        assert [row["score"] for row in rows[user]] == pytest.approx([row["score"] for row in expected])
        assert [row["rank"] for row in rows[user]] == [1, 2, 3][: len(expected)]


def test_some_users_are_named_by_option_or_by_file(commands: CommandsHere, tmp_path: Path) -> None:
    (tmp_path / "who").write_bytes("\ufeffu1\r\n\nu2\nu1\nніхто/%\n".encode())
    written = commands.json("export", "histories", tmp_path / "h.jsonl", "--users", tmp_path / "who", "--user", "u5")
    rows = [json.loads(line) for line in (tmp_path / "h.jsonl").read_text().splitlines()]
    assert {row["user_id"] for row in rows} == {"u1", "u2", "u5"}
    assert (written["users"], written["users_without_rows"]) == (4, 1)


def test_a_line_that_is_no_id_is_named_and_nothing_is_written(commands: CommandsHere, tmp_path: Path) -> None:
    (tmp_path / "who").write_bytes(b"u1\n\xff\n")
    sentence = commands.refused("export", "histories", tmp_path / "h.csv", "--users", tmp_path / "who")
    assert "line 2 of --users is no id" in sentence
    assert not (tmp_path / "h.csv").exists()


def test_a_generation_is_written_with_its_views_and_models(commands: CommandsHere, tmp_path: Path) -> None:
    written = commands.json("export", "generation", tmp_path / "g", "--format", "csv")
    assert written["rows"].keys() == VIEWS.keys()
    assert {view for view, rows in written["rows"].items() if not rows} <= {EXCESS, EXCESS_USERS}
    assert (tmp_path / "g" / "norms.csv").read_text().startswith('"item_id","norm"')
    assert written["models"] == ["als"]
    items = json.loads((tmp_path / "g/models/als.json").read_text())["items"]
    with np.load(tmp_path / "g/models/als.npz") as arrays:
        assert {len(items)} <= {len(array) for array in arrays.values()}
    assert json.loads((tmp_path / "g/generation.json").read_text())["id"] == written["generation"]
    again = commands.refused("export", "generation", tmp_path / "g")
    assert "is there already" in again
    assert "is not kept" in commands.refused("export", "generation", tmp_path / "h", "--generation", "nothing")


def test_lists_that_users_made_are_written_with_their_weights(commands: CommandsHere, tmp_path: Path) -> None:
    commands.json("lists", "create", "u1", "to buy", "--item", f"{SLASHED}=2")
    assert commands.json("export", "lists", tmp_path / "l.jsonl")["rows"] == 1
    [row] = map(json.loads, (tmp_path / "l.jsonl").read_text().splitlines())
    assert (row["user_id"], row["list_id"], row["item_id"], row["weight"]) == ("u1", "to buy", SLASHED, 2.0)


def test_records_are_written_as_produce_takes_them(commands: CommandsHere, tmp_path: Path) -> None:
    commands.json("export", "items", tmp_path / "i.jsonl")
    (record,) = map(json.loads, (tmp_path / "i.jsonl").read_text().splitlines())
    assert (record["item_id"], record["sku"]) == (SLASHED, 7)
    commands.json("export", "items", tmp_path / "i.parquet")
    (row,) = pq.read_table(tmp_path / "i.parquet").to_pylist()
    assert (row["title"], row["tags"], row["other"]) == ('quoted "title"', ["new"], '{"sku": 7}')
    assert commands.json("export", "users", tmp_path / "u.csv")["rows"] == 2


def test_a_store_that_is_down_stops_the_export(home: Path, tmp_path: Path) -> None:
    settings = {"MILLRACE_HOME": str(home), "MILLRACE_SPEED_VIEWS": "redis://127.0.0.1:1/0"}
    commands = CommandsHere(home, settings)
    commands.refused("export", "histories", tmp_path / "h.csv", "--user", "u1")
    commands.refused("export", "histories", tmp_path / "h.csv")
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_export_is_not_ready(tmp_path: Path) -> None:
    commands = CommandsHere(tmp_path, {"MILLRACE_HOME": str(tmp_path / "none")})
    for words in (("histories", "h.csv"), ("events", "e.csv")):
        commands.refused("export", *words, status=3)


def test_users_who_move_to_a_new_generation_while_they_are_listed_come_once(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A swap in the middle makes the listing begin again; what was listed stays."""
    batch, speed = (open_store(f"sqlite:///{home / name}.sqlite") for name in ("batch", "speed"))
    states = iter(["before", "after", "after", "after"])
    monkeypatch.setattr(chosen, "_state", lambda _: (next(states),))
    with chosen.everybody(batch, speed, tmp_path / "out", with_records=False) as everyone:
        users = list(everyone.users)
    assert users == sorted({f"u{k}".encode() for k in range(20)})
    assert everyone.count == 20
    assert list(tmp_path.iterdir()) == []
    batch.close()
    speed.close()


def test_users_of_whom_nothing_is_known_make_no_file(commands: CommandsHere, tmp_path: Path) -> None:
    sentence = commands.refused("export", "histories", tmp_path / "h.csv", "--user", "nobody", "--user", "no one")
    assert "none of the 2 users that were named has any histories: check the ids" in sentence
    assert list(tmp_path.iterdir()) == []
