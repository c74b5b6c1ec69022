"""``demo`` and ``up`` from start to end: what they show, and that they leave nothing behind."""

import json
import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from adapters.machine.children import free_port
from tests.kit.commands import Commands
from tests.kit.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)]

BASKETS = [{"kind": "purchase", "user_id": f"u{n}", "item_id": item} for n in range(3) for item in ("tea", "pot/2")]


def test_the_demo_proves_itself_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    shop = Commands(tmp_path, {"TMPDIR": str(temporary)})
    printed = shop.run("demo", "--events", "2000").stdout
    assert re.search(r"[1-9][0-9,]* sums of 2,?[0-9]* events compared, mismatches: 0$", printed, re.M), printed
    assert "$ millrace recommend user-0 -n 5" in printed
    shop.wait_until_none_is_left()
    assert [path.name for path in temporary.iterdir()] == []
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]


def test_ctrl_c_ends_the_demo_as_interrupted_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary, log = tmp_path / "tmp", tmp_path / "demo.log"
    temporary.mkdir()
    shop = Commands(tmp_path, {"TMPDIR": str(temporary)})
    with shop.started("demo", "--events", "2000", log=log) as demo:
        until(lambda: "▶ Spark" in log.read_text(), why=log.read_text)
        os.kill(demo.pid, signal.SIGINT)
        assert demo.wait(120) == 130, log.read_text()
        shop.wait_until_none_is_left()
    assert "Traceback" not in log.read_text()
    assert log.read_text().endswith("millrace: interrupted\n")
    assert [path.name for path in temporary.iterdir()] == []


@pytest.mark.parametrize("first_engine", ["local", pytest.param("spark", marks=pytest.mark.deep)])
def test_up_answers_with_what_was_just_sent_and_ends_with_all_its_children(tmp_path: Path, first_engine: str) -> None:
    port, log, home = free_port(), tmp_path / "up.log", tmp_path / "home"
    shop = Commands(tmp_path, {"MILLRACE_HOME": str(home), "MILLRACE_SPEED_ENGINE": first_engine})
    where = f"http://127.0.0.1:{port}"
    with shop.started("up", "--port", str(port), log=log) as up:
        until_ready(where, log)
        assert send(where, BASKETS) == 6
        until(lambda: co_rating(where, "pot%2F2", "tea") == 15.0, why=log.read_text)
        os.kill(up.pid, signal.SIGKILL)
        up.wait()
        shop.wait_until_none_is_left()
    shop.env["MILLRACE_SPEED_ENGINE"] = "local"  # it continues where the first was killed, whichever that was
    with shop.started("up", "--port", str(port), log=log) as up:
        until_ready(where, log)
        assert send(where, BASKETS[:2]) == 2  # the same again under new ids: a rating is the highest weight
        assert send(where, [BASKETS[0] | {"kind": "remove"}]) == 1
        until(lambda: co_rating(where, "pot%2F2", "tea") == 10.0, why=log.read_text)
        assert shop.json("status")["lag_events"] == 0
        assert shop.json("similar", "tea")["items"][0]["item_id"] == "pot/2"
        assert [path for path in (home, *home.rglob("*")) if path.exists() and path.stat().st_mode & 0o077] == []
        os.kill(up.pid, signal.SIGTERM)
        assert up.wait(120) == 0, log.read_text()
        shop.wait_until_none_is_left()
    assert "Traceback" not in log.read_text()


def send(where: str, events: list[dict[str, str]]) -> int:
    answer = httpx.post(f"{where}/api/v1/interactions", json=events)
    assert (answer.status_code, answer.json()["rejected"]) == (202, [])
    return int(answer.json()["accepted"])


def until_ready(where: str, log: Path) -> None:
    def ready() -> bool:
        try:
            return httpx.get(f"{where}/ready").status_code == 200
        except httpx.TransportError:
            return False

    until(ready, why=log.read_text)


def co_rating(where: str, item: str, other: str) -> float | None:
    answer = httpx.get(f"{where}/api/v1/items/{item}/similar")
    if answer.status_code != 200:
        return None
    return next((row["co_rating"] for row in json.loads(answer.text)["items"] if row["item_id"] == other), None)
