"""``millrace config show``."""

import click

from adapters.commands import as_json, print_json, reports_errors
from adapters.settings import PREFIX, load_settings


@click.group()
def config() -> None:
    """The effective settings."""


@config.command()
@as_json
@reports_errors
def show(as_json: bool) -> None:
    """Every setting as it takes effect, secrets masked, with the variable that sets it."""
    shown = load_settings().shown()
    if as_json:
        print_json(shown)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("setting", "value", "variable", title="Settings, from millrace.toml and the environment")
    for key, value in shown.items():
        table.add_row(key, str(value) if value != "" else "[dim](embedded)[/dim]", PREFIX + key.upper())
    Console().print(table)
