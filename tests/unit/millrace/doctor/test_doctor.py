"""``millrace doctor`` reports what is missing, with its remedy, and fails only for what is required."""

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.machine.java import find_java, java_version
from adapters.settings import Settings
from adapters.stores import Book, open_store
from core.settings import StoreUrl
from millrace.doctor import services
from millrace.doctor.command import doctor
from millrace.doctor.machine import check_clock, check_home, check_port
from millrace.doctor.services import check_collector
from millrace.doctor.stores import PROBES, check_access, check_lake, check_store
from schemas.errors import SettingsError


def fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'Picked up JAVA_TOOL_OPTIONS' >&2\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return java


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine with all that is required: Java 21, a home of one's own."""
    fake_java(tmp_path / "java", "21.0.4")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def rows(output: str) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(output)["checks"]}


def test_the_remedies_name_what_to_do_and_the_status_is_1(healthy: pytest.MonkeyPatch, tmp_path: Path) -> None:
    healthy.setenv("JAVA_HOME", str(tmp_path / "gone"))
    healthy.setenv("MILLRACE_JARS", str(tmp_path / "jars"))
    done = CliRunner().invoke(doctor, ["--json"])
    checks = rows(done.output)
    assert done.exit_code == 1
    assert {name for name in ("java", "kafka jars", "spark jars") if not checks[name]["ok"]} == {
        "java",
        "kafka jars",
        "spark jars",
    }
    assert "Install Java 17" in str(checks["java"]["remedy"])
    assert "make setup" in str(checks["spark jars"]["remedy"])


def test_a_configured_service_is_reached_or_named(healthy: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        healthy.setenv("MILLRACE_KAFKA", f"127.0.0.1:1,127.0.0.1:{port}")
        healthy.setenv("MILLRACE_SPEED_VIEWS", f"redis://:secret@127.0.0.1:{port}/0")
        up = CliRunner().invoke(doctor, ["--json"])
    down = CliRunner().invoke(doctor, ["--json"])
    assert rows(up.output)["kafka"]["ok"]
    assert rows(up.output)["speed_views"]["ok"]
    assert "MILLRACE_KAFKA" in str(rows(down.output)["kafka"]["remedy"])
    assert down.exit_code == 1
    assert "secret" not in up.output + down.output


def test_a_collector_that_does_not_answer_is_named_and_only_loses_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = Settings.of(tracing_endpoint=f"http://127.0.0.1:{server.getsockname()[1]}")
        assert [check.well for check in check_collector(settings)] == [True]
    (away,) = check_collector(settings)
    assert (away.well, away.required) == (False, False)
    assert "MILLRACE_TRACING_ENDPOINT" in away.remedy
    monkeypatch.setattr(services, "find_spec", lambda _: None)
    assert "pip install 'millrace[tracing]'" in next(check_collector(settings)).remedy
    assert list(check_collector(Settings())) == []


def test_a_wrong_setting_is_named(healthy: pytest.MonkeyPatch) -> None:
    healthy.setenv("MILLRACE_PARTITIONS", "many")
    done = CliRunner().invoke(doctor)
    assert done.exit_code == 1
    assert "partitions" in done.output


def test_java_must_be_new_enough(tmp_path: Path) -> None:
    java = fake_java(tmp_path, "1.8.0_402")
    assert java_version(java) == 8
    with pytest.raises(SettingsError, match="is Java 8, too old"):
        find_java({"JAVA_HOME": str(tmp_path)})
    with pytest.raises(SettingsError, match="found none"):
        find_java({"PATH": str(tmp_path / "empty")})


def test_a_java_that_does_not_run_is_not_taken(tmp_path: Path) -> None:
    fake_java(tmp_path, "17").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SettingsError, match="does not run"):
        find_java({"JAVA_HOME": str(tmp_path)})


def test_a_clock_that_was_reset_is_seen() -> None:
    assert not check_clock(0.0).well


def test_a_home_below_a_file_that_cannot_be_made_is_seen(tmp_path: Path) -> None:
    assert check_home(tmp_path / "deep" / "home").well
    assert not check_home(Path("/proc/millrace")).well


def test_stores_are_written_and_a_read_only_one_is_named(healthy: pytest.MonkeyPatch, tmp_path: Path) -> None:
    views = tmp_path / "views.sqlite"
    healthy.setenv("MILLRACE_BATCH_VIEWS", f"sqlite:///{views}")
    before = rows(CliRunner().invoke(doctor, ["--json"]).output)
    assert "batch_views written" not in before  # nothing is created by looking
    assert not views.exists()
    with closing(open_store(f"sqlite:///{views}")) as store:
        store.put(Book("any"), {("space", b"key"): b"value"})
        assert check_store("batch_views written", StoreUrl(f"sqlite:///{views}")).well
        assert store.spaces(PROBES) == set()
    assert rows(CliRunner().invoke(doctor, ["--json"]).output)["batch_views written"]["ok"]


def test_a_store_that_does_not_answer_is_named_with_its_variable() -> None:
    check = check_store("speed_views written", StoreUrl("redis://:secret@127.0.0.1:1/0"))
    assert "MILLRACE_SPEED_VIEWS" in check.remedy
    assert "secret" not in check.found


def test_a_lake_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "lake", tmp_path / "file"
    good.mkdir()
    bad.write_text("no folder")
    assert check_lake(Settings.of(home=tmp_path, lake=str(good))).well
    assert list(good.iterdir()) == []
    assert check_lake(Settings.of(home=tmp_path, lake=str(tmp_path / "later"))).well
    refused = check_lake(Settings.of(home=tmp_path, lake=str(bad)))
    assert "MILLRACE_LAKE" in refused.remedy
    assert str(bad) in refused.found


def test_an_api_that_would_answer_a_network_without_keys_is_named(tmp_path: Path) -> None:
    assert check_access(Settings.of(home=tmp_path)).well
    check = check_access(Settings.of(home=tmp_path, host="0.0.0.0"))
    assert "millrace keys create" in check.found
    assert not check.required


def test_the_port_is_tried_at_the_address_that_is_set() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = check_port("127.0.0.1", server.getsockname()[1])
    assert "in use" in taken.found
    assert "--port" in taken.remedy
    assert check_port("127.0.0.1", 0).well
    assert "Unknown error" not in check_port("::1", 0).found
