"""The systemd unit runs a command that exists, without rights, and is valid where systemd is there to say so."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.places import ROOT
from tests.unit.deploy.commands import parsed

FILE = ROOT / "deploy" / "systemd" / "millrace.service"
LINES = [line for line in FILE.read_text(encoding="utf-8").splitlines() if "=" in line and not line.startswith("#")]
SETTINGS = dict(line.split("=", 1) for line in LINES)


def test_it_runs_a_command_that_exists_as_a_user_of_its_own() -> None:
    program, *arguments = shlex.split(SETTINGS["ExecStart"])
    assert program.endswith("/bin/millrace")
    parsed(arguments)
    assert SETTINGS["User"] == "millrace"
    assert SETTINGS["ProtectSystem"] == "strict"
    assert SETTINGS["WorkingDirectory"] in SETTINGS["Environment"]


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here: the unit was read as text alone")
    unit = tmp_path / "millrace.service"
    unit.write_text(FILE.read_text(encoding="utf-8").replace("/opt/millrace/.venv/bin/millrace", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "millrace.service:" not in done.stderr
