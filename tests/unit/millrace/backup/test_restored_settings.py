"""The settings of a restored home: the original's, without addresses and passwords, with a home of its own."""

from pathlib import Path

import pytest

from adapters.settings import load_settings
from adapters.settings.sources import given_values
from millrace.backup.archive import Manifest
from millrace.backup.parts import HOUSE_RULES, kept_settings, parts_of
from millrace.backup.restoring import settings_text

FILE = """
home = "original"
[log]
kafka_options = {"ssl.key.password" = "secret"}
[fold]
history_items = 7
kinds = {view = 1, "a \\"kind\\"" = 2.5, rating = "value", "ü" = 0}
[stores]
speed_views = "redis://:secret@host:1/0"
lake = "/data/lake"
[http]
port = 9999
[recommenders.als]
factors = 12
[reading]
business_rules = "rules.toml"
"""


def restored(tmp_path: Path, env: dict[str, str]) -> tuple[str, Path]:
    """The restored home's file, and the home."""
    (tmp_path / "millrace.toml").write_text(FILE, encoding="utf-8")
    kept, left_out = kept_settings(given_values(tmp_path, env))
    home = tmp_path / "restored \\ home"
    home.mkdir()
    text = settings_text(Manifest("0.1.0", 1, {}, kept, left_out, files={HOUSE_RULES: (1, "")}), home)
    (home / "millrace.toml").write_text(text, encoding="utf-8")
    return text, home


def test_what_decides_answers_is_kept_and_what_says_where_things_lie_is_not(tmp_path: Path) -> None:
    text, home = restored(tmp_path, {"MILLRACE_WINDOW": "7d", "MILLRACE_ALS_ITERATIONS": "3"})
    assert "secret" not in text
    assert "/data" not in text
    original = load_settings({"MILLRACE_WINDOW": "7d", "MILLRACE_ALS_ITERATIONS": "3"}, tmp_path)
    settings = load_settings({"MILLRACE_CONFIG": str(home / "millrace.toml")}, Path("/"))
    assert settings.home == home
    assert settings.rules == original.rules
    assert settings.recommender_settings == original.recommender_settings
    assert settings.reading.business_rules == str(home / HOUSE_RULES)
    assert not any((settings.log.kafka, settings.stores.speed_views, settings.stores.lake))
    for place in ("home", "log.kafka_options", "stores.lake", "stores.speed_views"):
        assert f"the original keeps its parts: {place}" in text


def test_a_part_on_other_servers_is_named_with_its_means_and_without_its_password(tmp_path: Path) -> None:
    env = {"MILLRACE_HOME": str(tmp_path), "MILLRACE_KAFKA": "broker:9092", "MILLRACE_LAKE": "s3a://bucket/lake"}
    env |= {"MILLRACE_BATCH_VIEWS": "cassandra://u:secret@host:9042/shop"}
    parts = parts_of(load_settings(env, tmp_path))
    assert list(parts.here) == ["speed.sqlite", "mappings"]
    assert set(parts.elsewhere) == {"log", "lake", "batch views"}
    assert "secret" not in str(parts.elsewhere)
    assert "nodetool snapshot" in parts.elsewhere["batch views"]


@pytest.mark.parametrize("lake", ["", "/elsewhere/lake"])
def test_local_parts_are_found_wherever_they_lie(tmp_path: Path, lake: str) -> None:
    env = {"MILLRACE_HOME": str(tmp_path), "MILLRACE_BATCH_VIEWS": "sqlite:////elsewhere/b.sqlite"}
    parts = parts_of(load_settings(env | ({"MILLRACE_LAKE": lake} if lake else {}), tmp_path))
    assert parts.here["lake"] == Path(lake or tmp_path / "lake")
    assert parts.here["batch.sqlite"] == Path("/elsewhere/b.sqlite")
    assert not parts.elsewhere
