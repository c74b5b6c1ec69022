"""``millrace config show``."""

import click

from adapters.commands import as_json, print_json, reports_errors
from adapters.settings import load_settings
from adapters.settings_sources import PREFIX


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

    from adapters.terminal import console, styled

    names = Column("setting", min_width=max(map(len, shown)))  # a name is there to be copied: values fold, not names
    variables = Column("variable", overflow="fold")
    title = "Settings, from millrace.toml and the environment"
    table = Table(names, Column("value", overflow="fold"), variables, title=title)
    for key, value in shown.items():
        table.add_row(key, str(value) if value != "" else styled("(embedded)", "dim"), PREFIX + key.upper())
    console().print(table)
