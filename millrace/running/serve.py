"""``millrace serve``: the HTTP API, in this process or in several that share a port."""

import socket
from pathlib import Path

import click

from adapters.machine.home import prepare_home
from adapters.machine.spared import WholeProcess, spare_pandas
from adapters.machine.stopping import until_stopped
from adapters.settings import Settings, load_settings
from adapters.terminal.commands import reports_errors
from adapters.terminal.reporting import reporter
from millrace.running.serving import listening_at, process_count, serving_parts, url_of
from millrace.running.supervisor import Supervisor


@click.command()
@click.option("--host", help="Default: the setting host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: the setting port.")
@click.option("--workers", type=click.IntRange(0), help="Processes that answer; 0: one per core. Default: the setting.")
@click.option("--insecure", is_flag=True, help="Answer everybody, without keys.")
@click.option("--listening", type=click.IntRange(3), hidden=True, help="A socket that listens already, by its number.")
@click.option("--dealt-by", type=click.IntRange(3), hidden=True, help="The channel that brings a worker's connections.")
@click.option("--metrics-in", type=click.Path(path_type=Path), hidden=True, help="Where metrics join.")
@reports_errors
def serve(
    host: str | None,
    port: int | None,
    workers: int | None,
    insecure: bool,
    listening: int | None,
    dealt_by: int | None,
    metrics_in: Path | None,
) -> None:
    """The HTTP API; ends with Ctrl-C (status 130) or SIGTERM (status 0)."""
    from adapters.telemetry.counting import share_in
    from adapters.telemetry.folder import new_folder
    from serving_layer.access.start import require_startable, without_keys

    settings = without_keys(load_settings(), insecure)
    host, port = host or settings.http.host, settings.http.port if port is None else port
    require_startable(settings, host, again=metrics_in is not None)
    count = process_count(settings.http.workers if workers is None else workers)
    if count == 1:
        if isinstance(click.get_current_context().find_root().obj, WholeProcess):
            spare_pandas()
        from serving_layer.http.server import run  # takes a second, which whoever only supervises need not

        if metrics_in is not None:
            share_in(metrics_in)
        run(settings, host, port, listening, dealt_by)
        return
    server = _opened(host, port, listening)
    folder = metrics_in or new_folder(settings.home / "metrics" / f"serve-{server.getsockname()[1]}")
    run_workers(settings, host, count, server, folder)


def run_workers(settings: Settings, host: str, count: int, server: socket.socket, metrics: Path) -> None:
    """Serve in ``count`` processes until SIGTERM or Ctrl-C; this one deals the connections of that socket out to them.

    A worker that ends is reported and started again; the others answer meanwhile. All end when this process does.

    Args: metrics: the folder in which they count together.
    Raises:
        MillraceError: a worker cannot be started.
    """
    prepare_home(settings.home)
    say, url = reporter("serving"), url_of(host, server.getsockname()[1], settings)
    with serving_parts(settings, host, count, server, metrics) as parts:
        supervisor = Supervisor(parts, say, f"{url}/health", lambda: f"{url}, {count} workers", at_once=True)
        with until_stopped(supervisor.ended.set):
            supervisor.run()


def _opened(host: str, port: int, listening: int | None) -> socket.socket:
    return listening_at(host, port) if listening is None else socket.socket(fileno=listening)
