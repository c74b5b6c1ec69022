"""The home is its owner's alone, and what may run there once does."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from adapters.broker.home import replace_text
from adapters.broker.one_per_home import only_one
from adapters.machine.home import prepare_home
from adapters.stores import Book, open_store
from millrace.__main__ import main
from millrace.running.supervisor import Part
from schemas.errors import SettingsError
from tests.kit.places import ROOT


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    kept = os.umask(0o022)
    yield
    os.umask(kept)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_home_and_its_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    prepare_home(home)
    replace_text(home / "broker.json", "{}")
    open_store(f"sqlite:///{home}/batch.sqlite").swap(Book("control"), None, b"r")
    assert mode(home) == 0o700
    assert {mode(path) for path in home.iterdir()} == {0o600}


def test_the_home_of_an_earlier_millrace_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    prepare_home(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_folder_that_is_more_than_a_home_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for folder, given in ((tmp_path, 0o755), (tmp_path / "work", 0o755), (tmp_path / "all", 0o1777)):
        folder.mkdir(exist_ok=True)
        folder.chmod(given)
        prepare_home(folder)
        assert folder.stat().st_mode & 0o7777 == given


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="MILLRACE_HOME"):
        prepare_home(tmp_path / "file" / "home")


def test_a_second_up_in_one_home_is_refused_and_names_the_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = (
        "import sys, pathlib; from adapters.broker.one_per_home import only_one\n"
        "with only_one(pathlib.Path(sys.argv[1]), 'up'): print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        done = CliRunner(env={"MILLRACE_HOME": str(home)}).invoke(main, ["up"])
        assert done.exit_code == 1
        assert f"already runs in {home}, as process {first.pid}" in done.output
        assert "ready:" not in done.output
        first.kill()
    with only_one(home, "up"):
        pass


def test_up_refuses_a_port_that_another_program_has_before_it_starts_anything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = CliRunner(env={"MILLRACE_HOME": str(home)}).invoke(main, ["up", "--port", str(port)])
    assert done.exit_code == 1
    assert f"cannot serve on 127.0.0.1:{port}" in done.output
    assert "--port" in done.output
    assert not (home / "kafka").exists()


def test_the_api_answers_on_a_socket_that_it_is_given(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/health"
        command = [sys.executable, "-m", "millrace", "serve", "--listening", str(server.fileno())]
        env = {**os.environ, "MILLRACE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
        part = Part("serving", command, tmp_path / "serve.log", env=env, fds=(server.fileno(),))
        part.start()
        assert part.child is not None
        try:
            assert httpx.get(url, timeout=120).status_code == 200
            part.child.process.send_signal(signal.SIGTERM)
            assert part.child.process.wait(120) == 0, part.child.last_lines()
            part.start()
            assert httpx.get(url, timeout=120).status_code == 200  # the request waits until the next process answers
            part.child.process.send_signal(signal.SIGINT)
            assert part.child.process.wait(120) == 130, part.child.last_lines()
        finally:
            part.child.stop()
