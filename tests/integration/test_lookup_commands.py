"""The lookups, ``status`` and ``serve`` as a person or a program calls them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.log.kafka_log import Log
from adapters.machine.children import free_port
from adapters.settings import Settings
from adapters.stores import open_store
from schemas.rules import Rules
from serving_layer.answers.status import status
from serving_layer.reading.views import Views
from tests.kit.commands import CommandsHere, millrace
from tests.kit.places import ROOT
from tests.kit.serving import SLASHED, event, fill
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.waiting import until

HEADER = {"generation", "segment", "fresh_to", "degraded"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    world = fill(folder)
    world.batch.close()
    world.speed.close()
    return folder


def printed(home: Path, *arguments: str) -> dict[str, Any]:
    done = millrace(home, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    body: dict[str, Any] = json.loads(done.stdout)
    return body


def here(home: Path) -> CommandsHere:
    """The commands with that home, in this process."""
    return CommandsHere(home, {"MILLRACE_HOME": str(home)})


@pytest.mark.parametrize(
    ("arguments", "fields", "row"),
    [
        (
            ("recommend", "u3"),
            {"user_id", "items"},
            {"item_id", "score", "confidence", "source", "because", "category"},
        ),
        (("similar", "y1"), {"item_id", "exact", "norm", "items"}, {"item_id", "score", "co_rating", "norm"}),
        (
            ("trending", "--window", "1h"),
            {"as_of", "window_seconds", "basis", "items"},
            {"item_id", "score", "count", "expected", "growth", "change", "category"},
        ),
        (("history", "u3"), {"user_id", "items"}, {"item_id", "rating", "last_time"}),
    ],
)
def test_a_lookup_prints_the_json_of_the_contract_alone(
    home: Path, arguments: tuple[str, ...], fields: set[str], row: set[str]
) -> None:
    answer = printed(home, *arguments)
    assert set(answer) >= fields | HEADER
    assert answer["items"]
    assert all(set(item) >= row for item in answer["items"])


def test_the_other_lookups_print_json_as_well(home: Path) -> None:
    assert here(home).json("explain", "u3", "y5")["because"]
    assert len(here(home).json("bucket-changes", "--window", "3h")["buckets"]) == 3


def test_pages_and_categories_and_ids_of_any_characters(home: Path) -> None:
    whole = here(home).json("trending", "-n", "100")["items"]
    assert here(home).json("trending", "-n", "2", "--offset", "3")["items"] == whole[3:5]
    assert {row["category"] for row in here(home).json("trending", "--category", "c1")["items"]} == {"c1"}
    assert here(home).json("similar", SLASHED)["item_id"] == SLASHED


def test_an_id_that_is_a_negative_number_is_an_id_and_no_option(home: Path) -> None:
    """Deskdrop's are: people copy them as they are."""
    answer = here(home).json("recommend", "-8845298781299428018", "--exclude", "-44082375822273498", "-n", "2")
    assert (answer["user_id"], answer["personal"]) == ("-8845298781299428018", False)
    here(home).run("recommend", "--bogus", status=2)


def test_as_of_takes_epoch_milliseconds_and_rfc_3339(home: Path) -> None:
    a = here(home).json("trending", "--window", "1h", "--as-of", "1760002200000")
    b = here(home).json("trending", "--window", "1h", "--as-of", "2025-10-09T11:30:00+02:00")
    assert a == b
    assert a["as_of"] == 1760002200000
    assert a["items"] != here(home).json("trending", "--window", "1h")["items"]


def test_tables_say_what_they_are_made_of(home: Path) -> None:
    for arguments in (["recommend", "u3"], ["similar", "y1"], ["trending"], ["history", "u3"], ["explain", "u3", "y5"]):
        done = here(home).run(*arguments)
        assert "+ segment 1 · fresh to 2025-10-09 12:12:20Z" in done.stdout
    printed = here(home).run("status").stdout
    assert "lag events" in printed
    assert "as of                2025-10-09 12:12:20Z" in printed


def test_what_goes_wrong_is_one_sentence_and_an_exit_status(home: Path, tmp_path: Path) -> None:
    wrong = {
        ("similar", "nothing"): (1, "there is no item 'nothing'"),
        ("trending", "--window", "90m"): (2, "'90m' is not a window"),
        ("trending", "--as-of", "nix"): (2, "'nix' is not a time"),
        ("recommend", "u3", "-n", "0"): (2, "-n"),
        ("history", ""): (2, "is not an id"),
    }
    for arguments, (exit_status, sentence) in wrong.items():
        done = here(home).run(*arguments, "--json", status=exit_status)
        assert done.stdout == "", arguments
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
    fresh = millrace(tmp_path / "none", "history", "u")
    assert (fresh.returncode, fresh.stdout) == (3, "")
    assert "millrace demo" in fresh.stderr
    assert not (tmp_path / "none").exists()


def test_a_lookup_imports_no_engine(home: Path) -> None:
    """Spark, numba or pandas would take longer than the lookup."""
    heavy = ["pyspark", "delta", "numba", "pandas", "confluent_kafka", "fastapi", "redis", "cassandra", "implicit"]
    lookups = [["recommend", "u3"], ["similar", "y1"], ["trending"], ["history", "u3"], ["explain", "u3", "y5"]]
    code = f"""
import sys
from millrace.__main__ import main
for words in {[*lookups, ["status"]]}:
    main([*words, "--json"], standalone_mode=False)
print(sorted(set(sys.modules) & set({heavy})), file=sys.stderr)"""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MILLRACE_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, cwd=home)
    assert done.stderr.strip() == "[]"


@pytest.mark.kafka
def test_status_counts_what_is_not_applied_and_since_when(tmp_path: Path, log: Log) -> None:
    """Three records in the log, one applied: the lag is two, the oldest of them is as old as its timestamp."""
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    rules = Rules()
    world = SmallLambda(batch, speed, rules, placed([event(0, "u", "i")], rules))
    world.begin()
    world.run_speed(1)
    partition = world.log[0].partition
    log.appender().append_all(log.topics.events, [(b"u", b"{}")] * 3)
    stamp = log.timestamp_of(partition, 1)
    assert stamp is not None
    settings = Settings(home=tmp_path)
    reported = status(Views(batch, speed), settings, log, stamp + 2_500)
    assert reported["applied"][str(partition)] == 1
    assert reported["end"][str(partition)] == 3
    assert (reported["lag_events"], reported["freshness_seconds"], reported["degraded"]) == (2, 2.5, [])
    gone = status(Views(batch, speed), settings, None, stamp)
    assert (gone["end"], gone["lag_events"], gone["degraded"]) == (None, None, ["log"])
    batch.close()
    speed.close()


@pytest.mark.kafka
def test_serve_answers_until_sigterm_and_then_ends_with_0(tmp_path: Path, log: Log) -> None:
    home, port = tmp_path / "home", free_port()
    fill(home)
    prefix = log.topics.events.removesuffix("events")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    given = {"MILLRACE_HOME": str(home), "MILLRACE_KAFKA": log.bootstrap, "MILLRACE_TOPIC_PREFIX": prefix}
    command = [sys.executable, "-m", "millrace", "serve", "--port", str(port)]
    env = {**inherited, "PYTHONPATH": str(ROOT), **given}
    server = subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        until(lambda: is_ready(port))
        assert httpx.get(f"http://127.0.0.1:{port}/api/v1/trending").json()["items"]
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=120)
        assert server.returncode == 0, said
        assert b"Traceback" not in said
    finally:
        server.kill()
        server.wait()


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/v1/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def narrow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items with ids as shops have them, long ones."""
    folder = tmp_path_factory.mktemp("narrow")
    batch, speed = (open_store(f"sqlite:///{folder / name}.sqlite") for name in ("batch", "speed"))
    rules = Rules()
    events = [event(n, f"u{n % 7}", f"SKU-0000000000000000{n % 11:03d}-red-xl") for n in range(150)]
    world = SmallLambda(batch, speed, rules, placed(events, rules))
    world.begin()
    world.run_batch(100)
    world.run_speed(150)
    batch.close()
    speed.close()
    return folder


def test_ids_are_whole_in_narrow_windows(narrow_home: Path) -> None:
    item = "SKU-0000000000000000003-red-xl"
    asked = [["explain", "u1", item], ["recommend", "u1", "--include-seen"], ["similar", item], ["history", "u1"]]
    shop = here(narrow_home)
    for words in [*asked, ["trending"], ["bucket-changes", "--window", "2h", "-n", "3"]]:
        answer = shop.json(*words)
        rows = answer.get("items") or answer.get("because") or [r for b in answer["buckets"] for r in b["items"]]
        assert rows, words
        for columns in (60, 80, 200):
            done = shop.run(*words, COLUMNS=str(columns))
            assert all(row["item_id"] in done.stdout for row in rows), done.stdout
            table = done.stdout.splitlines()[2:]
            assert max(map(len, table)) <= columns, done.stdout


def test_bucket_changes_lists_n_items_of_each_hour(narrow_home: Path) -> None:
    buckets = here(narrow_home).json("bucket-changes", "--window", "3h", "-n", "2")["buckets"]
    assert [len(bucket["items"]) <= 2 for bucket in buckets] == [True] * 3
    assert "How many to list per hour" in here(narrow_home).run("bucket-changes", "--help").stdout


def test_commands_narrow_a_list_as_http_does(home: Path) -> None:
    """The shop has no catalogue: only what needs no record is listed, and regions narrow nothing."""
    every = here(home).json("trending", "--window", "24h")["items"]
    assert here(home).json("trending", "--window", "24h", "--region", "north")["items"] == every
    for option in (("--brand", "acme"), ("--tag", "red"), ("--min-price", "1"), ("--max-price", "9")):
        for lookup in (("recommend", "u3"), ("similar", "y1"), ("trending",), ("history", "u3")):
            assert here(home).json(*lookup, *option)["items"] == []
    for wrong in (("--brand", ""), ("--min-price", "-1"), ("--max-price", "dear"), ("--tag", "x" * 300)):
        assert wrong[0] in here(home).run("recommend", "u3", *wrong, status=2).stderr


def test_a_basket_counts_as_viewed_now_with_a_user_and_without_one(home: Path) -> None:
    alone = here(home).json("recommend", "--basket", "y1", "--basket", "y3")
    assert alone["personal"]
    assert alone["items"][0]["item_id"].startswith("y")
    assert "user_id" not in alone
    stranger = here(home).json("recommend", "nobody", "--basket", "y1", "--basket", "y3")
    assert stranger["items"] == alone["items"]
    shown = here(home).run("recommend", "--basket", "y1").stdout
    assert "recommended for this basket" in shown
    assert "give a USER, or items by --basket" in here(home).run("recommend", status=2).stderr
