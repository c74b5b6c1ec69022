"""The archive of the broker's classes: a broker starts with it, and without it, and what spoils it harms nothing."""

from pathlib import Path

import pytest

from adapters.broker import classes
from adapters.broker.embedded import embedded_broker, wait_until_stopped
from adapters.broker.home import BrokerHome
from adapters.machine.jars import class_archive, jar_folder
from tests.kit.processes import command_line

pytestmark = [pytest.mark.kafka, pytest.mark.deep]


def broker_command(home: Path) -> bytes:
    """Start the broker of the home and return its command line."""
    with embedded_broker(home):
        broker = next(
            line
            for line in map(
                command_line, map(int, filter(str.isdigit, (path.name for path in Path("/proc").iterdir())))
            )
            if str(BrokerHome(home).folder).encode() in line and b"kafka.Kafka" in line
        )
    wait_until_stopped(home)
    return broker


def test_a_broker_starts_with_the_kept_classes_and_also_with_spoilt_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = tmp_path / "jars" / jar_folder("kafka").name
    jars.parent.mkdir()
    jars.symlink_to(jar_folder("kafka"))
    monkeypatch.setattr(classes, "jar_folder", lambda *_: jars)
    assert classes.keep_classes()
    archive = class_archive(jars)
    assert archive.stat().st_size > 1_000_000
    assert [path for path in jars.parent.iterdir() if path.name.startswith("millrace-classes-")] == []
    monkeypatch.setattr("adapters.machine.jars.jar_folder", lambda *_: jars)
    for content in (None, b"not an archive"):
        if content is not None:
            archive.write_bytes(content)
        assert f"-XX:SharedArchiveFile={archive}".encode() in broker_command(tmp_path / "home")
