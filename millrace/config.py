"""``millrace config show``."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import click

from adapters.settings import load_settings
from adapters.settings.places import PLACES, SECTIONS, section_fields
from adapters.settings.sources import PREFIX
from adapters.terminal.commands import as_json, print_json, reports_errors
from core.settings import setting_of

BORDERS_WIDTH = 10  # of a table of three columns


@click.group()
def config() -> None:
    """Print the effective settings."""


@config.command()
@as_json
@reports_errors
def show(as_json: bool) -> None:
    """Show every effective setting, secrets masked, with the variable that sets it."""
    shown = load_settings().shown()
    if as_json:
        print_json(shown)
        return
    from rich.table import Column, Table

    from adapters.terminal.console import console, styled

    screen, rows = console(), list(_rows(shown))
    fixed = sum(max(len(row[column]) for row in rows) for column in (0, 2))
    room = screen.width - fixed - BORDERS_WIDTH  # names stay whole to be copied; values fold
    columns = (Column("setting"), Column("value", overflow="fold", max_width=max(room, 10)), Column("variable"))
    table = Table(*columns, title="Settings, from millrace.toml and the environment")
    for _, group in groupby(rows, lambda row: row[0].rpartition(".")[0]):
        for key, value, variable in group:
            table.add_row(key, value if value != "" else styled(f"({_when_empty(key)})", "dim"), variable)
        table.add_section()
    screen.print(table)


def _when_empty(place: str) -> str:
    """Return the meaning of an empty value, e.g. ``a broker embedded in home``."""
    section, _, key = place.rpartition(".")
    entry = dict(section_fields(SECTIONS[section])).get(key) if section in SECTIONS else None
    return (setting_of(entry).default_is if entry else "").replace("`", "") or "none"


def _rows(shown: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each setting's name with its section, value and variable, which most settings of recommenders lack."""
    variables = {str(place): PREFIX + name.upper() for name, place in PLACES.items()}
    for name, value in shown.items():
        for key, text in value.items() if isinstance(value, Mapping) else [("", value)]:
            place = f"{name}.{key}" if key else name
            yield place, str(text), variables.get(place, "")
