"""``millrace watch``: what it shows is what ``status`` and ``trending`` say."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.commands import CommandsHere
from tests.kit.serving import fill


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandsHere]:
    folder = tmp_path_factory.mktemp("watched")
    world = fill(folder / "home")
    yield CommandsHere(folder, {"MILLRACE_HOME": str(folder / "home")})
    world.batch.close()
    world.speed.close()


def test_each_look_is_one_object_with_the_state_the_rates_and_what_trends(shop: CommandsHere) -> None:
    printed = shop.run("watch", "--times", "2", "--every", "0.2", "-n", "3", "--json").stdout
    first, second = map(json.loads, printed.splitlines())
    assert first["figures"]["applied_per_second"] is None
    assert second["figures"]["applied_per_second"] == 0.0
    status = shop.json("status")
    assert all(second["status"][name] == status[name] for name in ("events", "generation", "applied", "segment"))
    assert second["trending"]["items"] == shop.json("trending", "-n", "3")["items"]


def test_people_read_lines(shop: CommandsHere, tmp_path: Path) -> None:
    printed = shop.run("watch", "--times", "1").stdout
    assert "counted     200 events, 0 rejected" in printed
    assert [line for line in printed.splitlines() if line.endswith("in the last day")] in (
        ["trending in the last day"],
        ["popular in the last day"],
    )


def test_an_empty_home_is_not_ready(tmp_path: Path) -> None:
    said = CommandsHere(tmp_path, {"MILLRACE_HOME": str(tmp_path / "none")}).run("watch", "--times", "1", status=3)
    assert "nothing in" in said.stderr
