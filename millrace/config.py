"""``millrace config show``."""

import click

from adapters.settings import load_settings
from adapters.settings_sources import PREFIX
from adapters.terminal.commands import as_json, print_json, reports_errors

BORDERS = 10  # of a table of three columns


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
    from rich.table import Column, Table

    from adapters.terminal.console import console, styled

    screen, longest = console(), max(map(len, shown))
    room = screen.width - 2 * longest - len(PREFIX) - BORDERS  # a name is there to be copied: values fold, not names
    columns = (Column("setting"), Column("value", overflow="fold", max_width=max(room, 10)), Column("variable"))
    table = Table(*columns, title="Settings, from millrace.toml and the environment")
    for key, value in shown.items():
        table.add_row(key, str(value) if value != "" else styled("(embedded)", "dim"), PREFIX + key.upper())
    screen.print(table)
