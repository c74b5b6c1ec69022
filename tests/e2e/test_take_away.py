"""A whole installation saved and restored beside the running original: both are proved, and answers are reproduced."""

import json
from pathlib import Path

import pytest

from adapters.broker.embedded import embedded_broker, running_broker, wait_until_stopped
from tests.kit.commands import Commands

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.deep]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A shop with one generation and more in the speed view."""
    shop = Commands(tmp_path_factory.mktemp("original"), {"MILLRACE_SPEED_ENGINE": "local"})
    with embedded_broker(shop.folder / ".millrace"):
        shop.run("generate", "--users", 40, "--items", 20, "--events", 900, "--seed", 5, "--out", "events.jsonl")
        lines = (shop.folder / "events.jsonl").read_text().splitlines(keepends=True)
        for name, part in (("first", lines[:600]), ("second", lines[600:])):
            (shop.folder / f"{name}.jsonl").write_text("".join(part))
            shop.run("produce", f"{name}.jsonl")
            shop.run(*(["batch", "run"] if name == "first" else ["speed", "run", "--available-now"]))
    wait_until_stopped(shop.folder / ".millrace")
    return shop


def test_a_restored_installation_is_proved_beside_the_running_original(original: Commands, tmp_path: Path) -> None:
    user = json.loads((original.folder / "first.jsonl").read_text().splitlines()[0])["user_id"]
    answers = [original.json(*question) for question in (("recommend", user), ("trending",), ("history", user))]
    events = original.json("status")["events"]
    saved = original.json("backup", tmp_path / "saved.tar.zst")
    assert saved["generation"] == answers[0]["generation"]
    restored = original.json("restore", tmp_path / "saved.tar.zst", tmp_path / "home")
    there = Commands(tmp_path, {"MILLRACE_CONFIG": restored["config"], "MILLRACE_SPEED_ENGINE": "local"})
    with embedded_broker(original.folder / ".millrace") as address:
        proof = there.json("verify")
        assert (proof["mismatches"], proof["events"]) == (0, events)
        for number, answer in enumerate(answers):
            (tmp_path / f"{number}.json").write_text(json.dumps(answer))
            assert there.json("reproduce", f"{number}.json")["differences"] == []
        there.run("produce", original.folder / "first.jsonl")  # goes to its own log
        there.run("speed", "run", "--available-now")
        assert sum(there.json("status")["applied"].values()) == 1_500
        assert running_broker(original.folder / ".millrace") == address
        assert original.json("status")["events"] == events
    there.wait_until_none_is_left()
