"""``millrace backup`` and ``restore`` of a small home without a broker; tests/e2e has one with all its parts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.broker.home import BrokerHome
from adapters.broker.one_per_home import only_one
from tests.kit.commands import CommandsHere
from tests.kit.serving import fill

MAPPING = """
format = "csv"
event = { user_id = "who", item_id = "what", kind = { const = "view" }, event_time = { const = 1760000000000 } }
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation") / "home"
    world = fill(folder)
    world.batch.close()
    world.speed.close()
    parts = {
        "kafka/data/meta.properties": "cluster.id=x", "kafka/data/events-0/0.log": "records", "kafka/data/.lock": "",
        "kafka/ports.json": "[1, 2]", "kafka/broker.log": "said", "lake/events/_delta_log/0.json": "{}",
        "kafka/data/relay-dlt-0/0.log": "letters", "mappings/my-shop.toml": MAPPING,
        "mappings/click.avsc": "{}", "lake/events/partition=0/a%20b.parquet": "rows", "logs/serve.log": "said",
        "broker.json": "stale",
    }  # fmt: skip
    for name, text in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def commands(home: Path) -> CommandsHere:
    (home.parent / "millrace.toml").write_text('[http]\nport = 9999\n[stores]\ntimeout = "9s"\n')
    return CommandsHere(home.parent, {"MILLRACE_HOME": str(home), "MILLRACE_CONFIG": ""})


@pytest.fixture
def archive(commands: CommandsHere, tmp_path: Path) -> Path:
    path = tmp_path / "saved.tar.zst"
    commands.json("backup", path)
    return path


def files_in(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_restored_home_answers_as_the_original_and_has_its_keys(
    commands: CommandsHere, archive: Path, tmp_path: Path
) -> None:
    key = commands.json("keys", "create", "shop")
    commands.json("backup", archive)
    restored = commands.json("restore", archive, tmp_path / "new")
    there = CommandsHere(tmp_path, {"MILLRACE_CONFIG": restored["config"]})
    for question in (("recommend", "u3"), ("history", "u1"), ("similar", "y1"), ("trending",)):
        assert there.json(*question) == commands.json(*question)
    assert [row["id"] for row in there.json("keys", "list")["keys"]] == [key["id"]]
    shown = there.json("config", "show")
    assert (shown["http"]["port"], shown["home"]) == (9999, str(tmp_path / "new"))


def test_log_and_lake_are_there_and_what_belongs_to_the_running_original_is_not(
    commands: CommandsHere, archive: Path, tmp_path: Path
) -> None:
    commands.json("restore", archive, tmp_path / "new")
    assert set(files_in(tmp_path / "new")) == {
        "batch.sqlite", "speed.sqlite", "kafka/data/meta.properties", "kafka/data/events-0/0.log", "millrace.toml",
        "lake/events/_delta_log/0.json", "lake/events/partition=0/a%20b.parquet", "kafka/data/relay-dlt-0/0.log",
        "mappings/my-shop.toml", "mappings/click.avsc",
    }  # fmt: skip
    assert (tmp_path / "new").stat().st_mode & 0o77 == 0
    assert archive.stat().st_mode & 0o77 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "saved.tar.zst"]


def test_what_a_relay_needs_comes_back_its_dead_letters_and_the_mappings_that_were_saved(
    commands: CommandsHere, archive: Path, tmp_path: Path
) -> None:
    restored = commands.json("restore", archive, tmp_path / "new")
    assert (tmp_path / "new" / "kafka/data/relay-dlt-0/0.log").read_text() == "letters"
    there = CommandsHere(tmp_path, {"MILLRACE_CONFIG": restored["config"]})
    (tmp_path / "orders.csv").write_text("who,what\na,x\n")
    assert there.json("import", "my-shop", tmp_path / "orders.csv", "--dry-run")["events"] == 1


def test_a_damaged_archive_is_refused_before_anything_is_written(
    commands: CommandsHere, archive: Path, tmp_path: Path
) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in commands.refused("restore", archive, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert "there is no file" in commands.refused("restore", tmp_path / "nothing", tmp_path / "new")


def test_a_folder_that_holds_something_is_not_written_to(commands: CommandsHere, archive: Path, home: Path) -> None:
    before = files_in(home)
    assert "is there already" in commands.refused("restore", archive, home)
    assert files_in(home) == before


def test_a_running_installation_is_not_saved_and_the_sentence_says_what_to_stop(
    commands: CommandsHere, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millrace.backup.rest.PATIENCE_SECONDS", 0)
    with only_one(home, "up"):
        assert f"already runs in {home}, as process {os.getpid()}" in commands.refused("backup", tmp_path / "a")
    import fcntl

    with BrokerHome(home).lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "a command uses the broker" in commands.refused("backup", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    commands.json("backup", tmp_path / "a")


def test_an_archive_inside_what_it_saves_is_refused(commands: CommandsHere, home: Path) -> None:
    assert "lies inside" in commands.refused("backup", home / "lake" / "a")
    assert "is a folder" in commands.refused("backup", home)


def test_parts_on_other_servers_are_named(commands: CommandsHere, tmp_path: Path, home: Path) -> None:
    elsewhere = {"MILLRACE_KAFKA": "broker:9092", "MILLRACE_LAKE": "s3a://bucket/lake"}
    there = CommandsHere(commands.folder, commands.env | elsewhere)
    done = there.run("backup", tmp_path / "a", "--json")
    parts = json.loads(done.stdout)["parts"]
    assert "MirrorMaker" in parts["log"]
    assert "object store" in parts["lake"]
    assert done.stderr.count("not in this backup") == 2
    (tmp_path / "empty").mkdir()
    elsewhere["MILLRACE_HOME"] = str(tmp_path / "empty")
    everything = elsewhere | {"MILLRACE_BATCH_VIEWS": "cassandra://h:1/k", "MILLRACE_SPEED_VIEWS": "redis://h:1/0"}
    nothing = CommandsHere(commands.folder, commands.env | everything)
    assert "nothing of this installation lies on this machine" in nothing.refused("backup", tmp_path / "b")


def test_there_is_nothing_to_save_before_anything_ran(tmp_path: Path) -> None:
    CommandsHere(tmp_path, {"MILLRACE_HOME": str(tmp_path / "none")}).refused("backup", tmp_path / "a", status=3)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_leaves_nothing(commands: CommandsHere, home: Path, tmp_path: Path) -> None:
    limited = f"ulimit -f 20; exec {sys.executable} -m millrace backup {tmp_path}/saved.tar.zst"  # 20 KiB of each file
    environment = {**os.environ, "MILLRACE_HOME": str(home), "MILLRACE_CONFIG": ""}
    done = subprocess.run(["bash", "-c", limited], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "free some space" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
