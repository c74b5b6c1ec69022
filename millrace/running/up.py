"""``millrace up``: broker, speed layer and HTTP API under one supervisor."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from adapters.broker.one_per_home import only_one
from adapters.machine.stopping import until_stopped
from adapters.settings import Settings, load_settings
from adapters.telemetry.folder import new_folder
from adapters.terminal.commands import reports_errors
from adapters.terminal.reporting import reporter
from millrace.running.serving import listening_at, process_count, serving_parts, url_of
from millrace.running.supervisor import Part, Supervisor

CORES_PER_WORKER = 2  # broker and speed layer need the rest


@click.command()
@click.option("--host", help="Of the HTTP API; default: the setting host.")
@click.option("--port", type=click.IntRange(1, 65535), help="Of the HTTP API; default: the setting port.")
@click.option("--workers", type=click.IntRange(0), help="Of the API; 0: one per two cores. Default: the setting.")
@click.option("--insecure", is_flag=True, help="Answer everybody, without keys.")
@reports_errors
def up(host: str | None, port: int | None, workers: int | None, insecure: bool) -> None:
    """Broker (if embedded), speed layer and HTTP API; Ctrl-C or SIGTERM stops all cleanly."""
    from serving_layer.access.start import require_startable, without_keys

    settings = without_keys(load_settings(), insecure)
    host, port = host or settings.http.host, port or settings.http.port
    count = process_count(settings.http.workers if workers is None else workers, CORES_PER_WORKER)
    require_startable(settings, host)
    say = reporter("up")
    url = url_of(host, port, settings)
    ready = f"{url} (the page; API description at /docs); Ctrl-C stops all"
    with (
        only_one(settings.home, "up"),
        listening_at(host, port) as server,
        _parts(settings, host, count, server) as parts,
    ):
        supervisor = Supervisor(parts, say, f"{url}/ready", lambda: ready)
        # The parts load their code while the broker starts, and wait for it themselves.
        with supervisor.started():
            from adapters.broker.opening import open_log  # takes a while, too

            with open_log(settings) as log:
                say(f"log at {log.bootstrap}, home {settings.home}")
                with until_stopped(supervisor.ended.set):
                    supervisor.watch()
        say("stopped")


@contextmanager
def _parts(settings: Settings, host: str, count: int, server: socket.socket) -> Iterator[list[Part]]:
    """Provide the API's processes and the speed layer.

    The first of the API has a core to itself, beside the broker, without which the speed layer can do nothing yet.
    """
    metrics = new_folder(settings.home / "metrics" / "up")  # shown together by the API
    speed = [sys.executable, "-m", "millrace", "speed", "run", "--metrics-in", str(metrics)]
    with serving_parts(settings, host, count, server, metrics) as parts:
        yield [*parts, Part("speed layer", speed, settings.home / "logs" / "speed.log", later=True)]
