"""``millrace serve``."""

import click

from adapters.settings import load_settings
from adapters.terminal.commands import reports_errors


@click.command()
@click.option("--host", help="Default: the setting host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: the setting port.")
@click.option("--listening", type=click.IntRange(3), hidden=True, help="A socket that listens already, by its number.")
@reports_errors
def serve(host: str | None, port: int | None, listening: int | None) -> None:
    """The HTTP API; ends with Ctrl-C (status 130) or SIGTERM (status 0)."""
    from serving_layer.http.server import run

    settings = load_settings()
    run(settings, host or settings.http.host, settings.http.port if port is None else port, listening)
