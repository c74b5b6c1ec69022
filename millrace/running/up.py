"""``millrace up``: broker, speed layer and HTTP API under one supervisor."""

import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click

from adapters.broker.one_per_home import only_one
from adapters.broker.opening import open_log
from adapters.machine.children import Child, start
from adapters.machine.rotation import begin_again
from adapters.machine.stopping import until_stopped
from adapters.settings import Settings, load_settings
from adapters.telemetry.folder import new_folder
from adapters.terminal.commands import reports_errors
from adapters.terminal.reporting import reporter
from core.text.visible import visible
from schemas.errors import MillraceError, SettingsError

POLL_SECONDS = 0.2
PAUSES_SECONDS = (1.0, 3.0, 10.0, 30.0, 60.0)  # before restarts of a part; the last pause repeats
LIVED_SECONDS = 60.0  # a part that has run this long begins with the first pause again
TRIES = 4  # of a part that has never run so long: a person must change something
STOP_SECONDS = 30.0
WAITING_CONNECTIONS = 128  # while the API starts


_OURS = ssl.create_default_context()  # for a look at our own server, whose certificate may be for another name
_OURS.check_hostname, _OURS.verify_mode = False, ssl.CERT_NONE


@dataclass
class Part:
    """A child that should run for as long as the supervisor does; its log is shown as it grows."""

    name: str
    command: list[str]
    log: Path
    child: Child | None = None
    started: float = 0.0
    failures: int = 0
    proven: bool = False  # it has once run for LIVED_SECONDS
    shown: int = 0
    start_at: float | None = None  # while it waits to be started again
    env: Mapping[str, str] | None = None  # None: this process's
    shows: bool = True  # whether its output is passed on
    fds: tuple[int, ...] = ()  # open files that it inherits

    def start(self) -> None:
        self.started = time.monotonic()
        self.child = start(self.name, self.command, self.log, env=self.env, pass_fds=self.fds)

    def show(self) -> None:
        """Print its new output; a log that grew large begins again."""
        if not self.shows or not self.log.exists():
            return
        with self.log.open("rb") as lines:
            lines.seek(self.shown)
            fresh = lines.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self.shown += len(whole)
        sys.stderr.write(visible(whole.decode(errors="replace"), lines=True))
        sys.stderr.flush()
        if begin_again(self.log):
            self.shown = 0


@dataclass
class Supervisor:
    """Starts the parts, restarts a failed part after a pause, and stops all in order.

    A part that cannot be started ends all of them, so that it is noticed. A part that has worked is restarted
    indefinitely: its dependencies may come back, and the other parts answer meanwhile.
    """

    parts: list[Part]
    say: Callable[[str], None]
    ready_url: str
    ready_text: Callable[[], str] = lambda: "all answer"
    at_once: bool = False  # whether all parts are asked to end before the first is waited for
    ended: threading.Event = field(default_factory=threading.Event)
    _watched: bool = False

    def run(self) -> None:
        """Start the parts, and return when asked to end.

        Raises:
            MillraceError: a part failed again and again.
        """
        with self.started():
            self.watch()

    @contextmanager
    def started(self) -> Iterator[None]:
        """Run the parts for the length of the block; their output is shown from ``watch`` on."""
        try:
            for part in self.parts:
                part.shown = part.log.stat().st_size if part.log.exists() else 0
                part.start()
            yield
        finally:
            for part in self.parts if self.at_once else ():
                if part.child is not None and part.child.running:
                    part.child.process.terminate()
            for part in reversed(self.parts):
                if part.child is not None:
                    part.child.stop(STOP_SECONDS)
                if self._watched:  # else their output follows from what this process reports itself
                    part.show()

    def watch(self) -> None:
        """Return when asked to end; parts that end are started again meanwhile.

        Raises:
            MillraceError: a part failed again and again.
        """
        ready, self._watched = False, True
        while not self.ended.wait(POLL_SECONDS):
            for part in self.parts:
                part.show()
                if part.child is not None and not part.child.running:
                    self._again(part)
            if not ready and _answers(self.ready_url):
                ready = True
                self.say(f"ready: {self.ready_text()}")

    def _again(self, part: Part) -> None:
        """Restart a part that ended once its pause is over; the other parts are watched meanwhile."""
        now = time.monotonic()
        if part.start_at is None:
            lived = now - part.started > LIVED_SECONDS
            part.proven |= lived
            part.failures = 0 if lived else part.failures
            if part.failures + 1 == TRIES and not part.proven:
                raise MillraceError(f"{part.name} ended {TRIES} times in a row; its log is {part.log}")
            pause = PAUSES_SECONDS[min(part.failures, len(PAUSES_SECONDS) - 1)]
            part.failures += 1
            part.start_at = now + pause
            self.say(f"{part.name} ended; starting it again in {pause:g} s")
        elif now >= part.start_at:
            part.start_at = None
            part.start()


@click.command()
@click.option("--host", help="Of the HTTP API; default: the setting host.")
@click.option("--port", type=click.IntRange(1, 65535), help="Of the HTTP API; default: the setting port.")
@click.option("--workers", type=click.IntRange(0), help="Of the HTTP API; default: the setting workers.")
@click.option("--insecure", is_flag=True, help="Answer everybody, without keys.")
@reports_errors
def up(host: str | None, port: int | None, workers: int | None, insecure: bool) -> None:
    """Broker (if embedded), speed layer and HTTP API; Ctrl-C or SIGTERM stops all cleanly."""
    from serving_layer.access.start import require_keys, without_keys

    settings = without_keys(load_settings(), insecure)
    host, port = host or settings.http.host, port or settings.http.port
    workers = settings.http.workers if workers is None else workers
    require_keys(settings, host)
    say = reporter("up")
    url = url_of(host, port, settings)
    ready = f"{url} (API description at /docs); Ctrl-C stops all"
    with only_one(settings.home, "up"), listening_at(host, port) as server:
        supervisor = Supervisor(_parts(settings, host, port, workers, server), say, f"{url}/ready", lambda: ready)
        # The parts load their code while the broker starts, and wait for it themselves.
        with supervisor.started(), open_log(settings) as log:
            say(f"log at {log.bootstrap}, home {settings.home}")
            with until_stopped(supervisor.ended.set):
                supervisor.watch()
        say("stopped")


def url_of(host: str, port: int, settings: Settings) -> str:
    """Return where a server of that host and port answers."""
    scheme = "https" if settings.http.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def listening_at(host: str, port: int) -> socket.socket:
    """Return the socket of the API, opened before anything else starts and kept as long as this process runs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        raise SettingsError(
            f"cannot serve on {host}:{port} ({error.strerror}): another program has it, or it is not an address of "
            "this machine; name another with --host and --port"
        ) from error


def _parts(settings: Settings, host: str, port: int, workers: int, server: socket.socket) -> list[Part]:
    millrace, logs = [sys.executable, "-m", "millrace"], settings.home / "logs"
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    serve = [*millrace, "serve", "--host", host, "--port", str(port), "--workers", str(workers)]
    serve += ["--insecure"] if settings.http.keys == "off" else []
    counted = ["--metrics-in", str(new_folder(settings.home / "metrics" / "up"))]  # shown together by the API
    listening = ["--listening", str(server.fileno()), *counted]
    return [
        Part("serving", [*serve, *listening], logs / "serve.log", fds=(server.fileno(),)),
        Part("speed layer", [*millrace, "speed", "run", *counted], logs / "speed.log"),
    ]


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1, context=_OURS) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
