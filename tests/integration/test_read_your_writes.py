"""``at_least``: an answer waits until its prefix of the log holds what a post returned, or says what is missing."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from httpx import Client

from adapters.log.kafka_log import Log
from adapters.settings import Settings
from core.partitions.partitioner import partition_of
from tests.kit.commands import millrace
from tests.kit.serving import RULES, client, fill, problem, serving, settings
from tests.kit.small_lambda import SmallLambda

__all__ = ["client", "settings"]  # fixtures

LOOKUPS = (
    "/recommendations/u3", "/items/x1", "/items/x1/similar", "/trending", "/users/u3/history", "/users/u3/profile",
    "/explain/u3/y1",
)  # fmt: skip


def at_least(offsets: dict[int, int]) -> str:
    return ",".join(f"{partition}:{offset}" for partition, offset in offsets.items())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallLambda]:
    """A shop whose speed layer has yet to apply the last 50 of its 200 events."""
    world = fill(tmp_path / "home", speed_until=150)
    yield world
    world.batch.close()
    world.speed.close()


@pytest.fixture
def shop(world: SmallLambda, tmp_path: Path) -> Iterator[Client]:
    with serving(Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1")) as client:
        yield client


@pytest.mark.kafka
def test_a_post_returns_the_offset_after_its_last_event_in_each_partition(client: Client, log: Log) -> None:
    before = log.end_offsets()
    users = [f"u{k % 5}" for k in range(40)]
    posted = client.post("/interactions", json=[{"kind": "view", "user_id": user, "item_id": "x1"} for user in users])
    partitions = {partition_of(user.encode(), RULES.partitioner, RULES.partitions) for user in users}
    after = log.end_offsets()
    assert posted.json()["positions"] == {str(p): after[p] for p in sorted(partitions)}
    assert {p for p in after if after[p] > before[p]} == partitions


@pytest.mark.parametrize("path", LOOKUPS)
def test_every_lookup_answers_from_a_prefix_that_holds_at_least(shop: Client, world: SmallLambda, path: str) -> None:
    held = world.position.offsets
    answer = shop.get(path, params={"at_least": at_least(held)})
    assert answer.status_code == 200
    offsets = answer.json()["fresh_to"]["offsets"]
    assert all(offsets[str(partition)] >= offset for partition, offset in held.items())
    again = shop.get(path, params={"at_least": ",".join(f"{p}:{o}" for p, o in offsets.items()), "wait": "0s"})
    assert again.json() == answer.json()


@pytest.mark.parametrize("path", LOOKUPS)
def test_what_is_missing_after_the_wait_is_named(shop: Client, world: SmallLambda, path: str) -> None:
    partition, offset = next((p, o) for p, o in world.ends(200).items() if o > world.position.offsets[p])
    answer = shop.get(path, params={"at_least": f"{partition}:{offset}", "wait": "50ms"})
    document = problem(answer, 503)
    now = world.position.offsets[partition]
    assert document["missing"] == {str(partition): {"at_least": offset, "applied": now}}
    assert f"partition {partition} is applied up to {now}, not {offset}" in document["detail"]
    assert answer.headers["retry-after"] == "1"


def test_an_answer_waits_for_the_commit_that_holds_the_offsets(shop: Client, world: SmallLambda) -> None:
    wanted, began = world.ends(200), threading.Event()

    def ask() -> int:
        began.set()
        params = {"at_least": at_least(wanted), "wait": "10s"}
        answer = shop.get("/users/u3/history", params=params)
        assert {int(p): o for p, o in answer.json()["fresh_to"]["offsets"].items()} == wanted
        return answer.status_code

    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask) for _ in range(3)]
        began.wait()
        assert not any(future.done() for future in asked)
        world.run_speed(200)
        assert [future.result() for future in asked] == [200] * 3


def test_many_who_wait_keep_nobody_from_an_answer(shop: Client, world: SmallLambda) -> None:
    params = {"at_least": at_least(world.ends(200)), "wait": "10s"}
    with ThreadPoolExecutor(80) as pool:
        waiting = [pool.submit(shop.get, "/trending", params=params) for _ in range(80)]
        assert all(shop.get("/items/x1").status_code == 200 for _ in range(5))
        world.run_speed(200)
        assert {future.result().status_code for future in waiting} == {200}


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"at_least": "2"}, "at_least is PARTITION:OFFSET"),
        ({"at_least": "2:-1"}, "at_least is PARTITION:OFFSET"),
        ({"at_least": "2:9223372036854775808"}, "at_least is PARTITION:OFFSET"),
        ({"at_least": "2:1,"}, "at_least is PARTITION:OFFSET"),
        ({"at_least": "77:1"}, "at_least: the log has no partition 77: it has 0 to 3"),
        ({"at_least": "0:1", "wait": "11s"}, "wait is 0 to 10 seconds"),
        ({"at_least": "0:1", "wait": "soon"}, "wait is 0 to 10 seconds"),
    ],
)
def test_what_cannot_be_held_is_422(shop: Client, params: dict[str, str], why: str) -> None:
    assert why in problem(shop.get("/trending", params=params), 422)["detail"]


def test_a_misspelt_name_is_422(shop: Client) -> None:
    assert "did you mean 'at_least'" in problem(shop.get("/trending", params={"atleast": "0:1"}), 422)["detail"]


def test_the_command_waits_too_and_exits_3_with_what_is_missing(world: SmallLambda, tmp_path: Path) -> None:
    home = tmp_path / "home"
    held = millrace(home, "history", "u3", "--at-least", at_least(world.position.offsets), "--json")
    assert held.returncode == 0
    late = millrace(home, "history", "u3", "--at-least", at_least(world.ends(200)), "--wait", "100ms", "--json")
    assert late.returncode == 3
    assert "do not hold at_least yet" in late.stderr
    assert millrace(home, "history", "u3", "--at-least", "x").returncode == 2
