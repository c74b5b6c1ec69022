"""``millrace doctor``: what this machine lacks, and how to get it."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict

import click

from adapters.settings import load_settings
from millrace.doctor.check import Check
from millrace.doctor.machine import (
    check_clock,
    check_disk,
    check_home,
    check_jars,
    check_java,
    check_memory,
    check_package,
    check_port,
    check_python,
)
from schemas.errors import SettingsError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print data alone, for programs.")
def doctor(as_json: bool) -> None:
    """Say what is missing on this machine, or wrong with what the settings name, and what to do."""
    checks = list(examine())
    if as_json:
        rows = [{**asdict(check), "ok": check.well} for check in checks]
        click.echo(json.dumps({"ok": not any(failed(checks)), "checks": rows}))
    else:
        _print_table(checks)
    if any(failed(checks)):
        sys.exit(1)


def failed(checks: list[Check]) -> Iterator[Check]:
    """Return the required checks that did not pass."""
    return (check for check in checks if check.required and not check.well)


def examine() -> Iterator[Check]:
    """Yield all checks, in the order in which a person would repair things."""
    yield check_python()
    yield check_java()
    yield from (check_package(name) for name in ("pyspark", "delta-spark"))
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Check("settings", str(error), "Correct the setting that is named there.")
        return
    yield Check("settings", "valid")
    yield from check_jars(settings)
    yield check_home(settings.home)
    yield check_disk(settings.home)
    yield check_memory()
    yield check_clock(time.time())
    yield check_port(settings.http.host, settings.http.port)
    from millrace.doctor.log import check_log
    from millrace.doctor.services import check_collector, check_services
    from millrace.doctor.stores import check_access, check_lake, check_stores

    services = list(check_services(settings))
    yield from services
    if all(check.well for check in services):
        yield from check_stores(settings)
        yield check_access(settings)
    yield check_lake(settings)
    yield from check_collector(settings)
    if not any(check.name == "kafka" and not check.well for check in services):
        yield from check_log(settings)


def _print_table(checks: list[Check]) -> None:
    from rich.table import Table

    from adapters.terminal.console import console, styled

    table = Table(box=None, header_style="bold")
    for title in ("", "what", "found", "what to do"):
        table.add_column(title, overflow="fold")
    for check in checks:
        sign, style = ("✓", "green") if check.well else ("✗", "red") if check.required else ("!", "yellow")
        table.add_row(styled(sign, style), check.name, check.found, check.remedy)
    console().print(table)
    lacking = len(list(failed(checks)))
    click.echo(f"{lacking} required thing(s) missing." if lacking else "Nothing is missing.")
