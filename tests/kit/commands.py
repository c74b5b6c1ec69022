"""The command line as a person has it: processes of its own in a home, and what they leave behind."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from millrace.__main__ import main
from tests.kit.places import ROOT
from tests.kit.waiting import until

# Tests live too briefly for the second compiler to pay: a third less processor time.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
PATIENCE_SECONDS = 600


@dataclass
class Commands:
    """Runs ``millrace`` in ``folder``; every process it starts, and theirs, carry a mark by which they are found."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def environment(self) -> dict[str, str]:
        """Only what is set here counts, and where the jars are."""
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith("MILLRACE_") or name == "MILLRACE_JARS"
        }
        ours = {"PYTHONPATH": str(ROOT), "JDK_JAVA_OPTIONS": QUICK_JAVA, "TESTS_MARK": self.mark}
        return {**kept, "MILLRACE_ALS_ITERATIONS": "2", **ours, **self.env}

    def run(self, *words: str | Path, status: int = 0, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run to the end; the exit status must be that."""
        done = subprocess.run(
            [sys.executable, "-m", "millrace", *map(str, words)], env=self.environment | env, cwd=self.folder,
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == status, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str | Path, status: int = 0, **env: str) -> Any:
        """What it prints with ``--json``: data alone."""
        return json.loads(self.run(*words, "--json", status=status, **env).stdout)

    def refused(self, *words: str | Path, status: int = 1, **env: str) -> str:
        """The one sentence with which it refuses; nothing on stdout."""
        done = self.run(*words, status=status, **env)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return next(line for line in reversed(done.stderr.splitlines()) if line.startswith("millrace: "))

    @contextmanager
    def started(self, *words: str | Path, log: Path, **env: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run it beside the block; what it says goes to ``log``. The block ends it; a failed one kills it."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "millrace", *map(str, words)], env=self.environment | env, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def processes(self) -> dict[int, str]:
        """Every process that carries the mark, with its command line."""
        running = {}
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and self.mark.encode() in (folder / "environ").read_bytes():
                    running[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # ended meanwhile
                continue
        return {pid: command for pid, command in running.items() if command}  # a zombie has none

    def wait_until_none_is_left(self, seconds: float = 120) -> None:
        """Every process with the mark ends by itself within that time."""
        until(lambda: not self.processes(), seconds, lambda: self.processes())


class CommandsHere(Commands):
    """Runs commands in this process, for what a process of its own adds nothing to: it needs a second to import."""

    def run(self, *words: str | Path, status: int = 0, **env: str) -> "subprocess.CompletedProcess[str]":
        """As there, but for interrupts, exit handlers and what imports print."""
        variables = {"MILLRACE_ALS_ITERATIONS": "2", **self.env, **env}
        with chdir(self.folder):
            done = CliRunner().invoke(main, [*map(str, words)], env=variables, prog_name="millrace")
        failure = done.exception if done.exception and not isinstance(done.exception, SystemExit) else None
        said = f"{words} ended with {done.exit_code}\n{done.stdout}\n{done.stderr}"
        assert failure is None, f"{said}\n{failure!r}"
        assert done.exit_code == status, said
        return subprocess.CompletedProcess([*words], done.exit_code, done.stdout, done.stderr)


def millrace(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One command with that home, to its end, whatever its exit status."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    env = {**inherited, "PYTHONPATH": str(ROOT), "MILLRACE_HOME": str(home), **variables}
    command = [sys.executable, "-m", "millrace", *arguments]
    return subprocess.run(command, cwd=home.parent, env=env, capture_output=True, text=True, timeout=120, check=False)
