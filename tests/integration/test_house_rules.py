"""House rules on the recommendations of a small shop: each acts as it says, rows and explanations name it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Client

from adapters.settings import Settings
from tests.kit.commands import CommandsHere
from tests.kit.serving import fill, problem, serving
from tests.kit.waiting import until

USER = "/recommendations/nobody?n=100"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.toml"
    path.write_text("")
    return path


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, rules: Path) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("shop")
    world = fill(home)
    with serving(Settings.of(home=home, kafka="127.0.0.1:1", business_rules=str(rules))) as client:
        yield client
    world.batch.close()
    world.speed.close()


@pytest.fixture
def plain(client: Client, rules: Path) -> list[dict[str, Any]]:
    """The list without rules."""
    return written(client, rules, "")


def written(client: Client, rules: Path, text: str) -> list[dict[str, Any]]:
    """The list under these rules, of which one is called ``last``, once they are in force."""
    rules.write_text(text)
    said = [line.split('"')[1] for line in text.splitlines() if line.startswith("name")]
    until(lambda: [rule["name"] for rule in client.get("/explain/nobody/y1").json()["rules"]] == said)
    rows: list[dict[str, Any]] = client.get(USER).json()["items"]
    return rows


def test_a_boosted_category_comes_first_and_a_buried_item_last(
    client: Client, rules: Path, plain: list[dict[str, Any]]
) -> None:
    text = '[[rule]]\nname = "up"\nboost = 1000\ncategory = "c1"\n[[rule]]\nname = "down"\nbury = 0\nitem = "y1"\n'
    rows = written(client, rules, text)
    assert {row["item_id"] for row in rows} == {row["item_id"] for row in plain}
    assert [row["category"] for row in rows[:-1]] == sorted((row["category"] for row in rows[:-1]), reverse=True)
    assert (rows[-1]["item_id"], rows[-1]["score"], rows[-1]["rules"]) == ("y1", 0.0, ["up", "down"])
    before = {row["item_id"]: row for row in plain}
    for row in rows:
        assert row["confidence"] == before[row["item_id"]]["confidence"]
        assert row.get("rules", []) == (
            [] if row["category"] == "c0" else ["up", "down"][: 1 + (row["item_id"] == "y1")]
        )
    shown = client.get("/explain/nobody/y1").json()["rules"]
    assert [(rule["does"], rule["amount"]) for rule in shown] == [("boost", 1000.0), ("bury", 0.0)]


def test_an_excluded_item_leaves_the_list_and_no_other_list(
    client: Client, rules: Path, plain: list[dict[str, Any]]
) -> None:
    rows = written(client, rules, '[[rule]]\nname = "gone"\nexclude = true\nitem = ["y1"]\n')
    assert [row["item_id"] for row in rows] == [row["item_id"] for row in plain if row["item_id"] != "y1"]
    assert client.get("/explain/nobody/y1").json()["listed"] is False
    assert "y1" in [row["item_id"] for row in client.get("/trending?n=100").json()["items"]]


def test_a_pinned_item_has_its_place_unless_the_user_has_seen_it(
    client: Client, rules: Path, plain: list[dict[str, Any]]
) -> None:
    rows = written(client, rules, '[[rule]]\nname = "offer"\npin = 2\nitem = ["y1"]\n')
    others = [row["item_id"] for row in plain if row["item_id"] != "y1"]
    assert [row["item_id"] for row in rows] == [others[0], "y1", *others[1:]]
    assert rows[1]["rules"] == ["offer"]
    pages, cursor = list[str](), ""
    while cursor is not None:
        page = client.get("/recommendations/nobody?n=3" + (f"&cursor={cursor}" if cursor else "")).json()
        pages, cursor = [*pages, *(row["item_id"] for row in page["items"])], page["next_cursor"]
    assert pages == [row["item_id"] for row in rows]
    seen = next(f"u{k}" for k in range(20) if client.get(f"/explain/u{k}/y1").json()["seen"])
    assert "y1" not in [row["item_id"] for row in client.get(f"/recommendations/{seen}?n=100").json()["items"]]


def test_a_rule_of_a_device_holds_there_and_a_device_without_a_rule_is_refused(
    client: Client, rules: Path, plain: list[dict[str, Any]]
) -> None:
    phone = {"n": 100, "context": {"device": "phone"}}
    assert "context.device" in problem(client.post("/recommendations/nobody", json=phone), 422)["detail"]
    rows = written(client, rules, '[[rule]]\nname = "small"\nexclude = true\nitem = ["y1"]\ndevice = ["phone"]\n')
    assert rows == plain
    there = client.post("/recommendations/nobody", json=phone).json()["items"]
    assert "y1" not in [row["item_id"] for row in there]


def test_settings_that_the_api_cannot_start_with_are_one_sentence_at_once(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nboost = 0.5\nitem = "y1"\n')
    home = {"MILLRACE_HOME": str(tmp_path / "home"), "MILLRACE_KAFKA": "127.0.0.1:1"}
    for wrong, named in (({"MILLRACE_BUSINESS_RULES": str(rules)}, "boost must be"),
                         ({"MILLRACE_TLS_CERTIFICATE": str(rules)}, "tls_key")):  # fmt: skip
        commands = CommandsHere(tmp_path, {**home, **wrong})
        for words in (("serve", "--port", "0"), ("serve", "--port", "0", "--workers", "2"), ("up", "--port", "1")):
            said = commands.refused(*words)
            assert named in said
            assert "cannot serve" not in said
