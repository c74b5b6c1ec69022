"""``millrace export``: everything as files, to take along."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from adapters.settings import load_settings
from adapters.terminal.commands import MOST_ROWS, as_json, echo, print_json, reports_errors
from adapters.terminal.identifiers import ID
from core.text.masking import masked
from schemas.errors import BadInput

if TYPE_CHECKING:
    from millrace.export.rows import Exported

_FORMATS = ("parquet", "csv", "jsonl")
_FILE = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
_format = click.option("--format", "form", type=click.Choice(_FORMATS), help="Default: what the name of FILE ends in.")


def about_users(command: Callable[..., None]) -> Callable[..., None]:
    """Return the options that choose users, the file and its format."""
    user = click.option("--user", "named", multiple=True, type=ID, help="Only this user; may be repeated.")
    users = click.option(
        "--users", "listed", type=click.File("rb"), help="Only the users of this file, one id per line; - for stdin."
    )
    return _FILE(_format(user(users(as_json(reports_errors(command))))))


@click.group()
def export() -> None:
    """Write histories, recommendations, lists, events, catalogue or a generation to files.

    A file appears whole or not at all, and replaces an older one. Memory stays level, however many rows there are.
    """


@export.command()
@about_users
def histories(file: Path, form: str | None, named: tuple[bytes, ...], listed: BinaryIO | None, as_json: bool) -> None:
    """Write the last items of all users, or of some, to FILE (.parquet, .csv, .jsonl), newest first."""
    from millrace.export.rows import HISTORY_TABLE

    _export_users(HISTORY_TABLE, "histories", file, form, (named, listed), as_json)


@export.command()
@click.option("-n", type=click.IntRange(1, MOST_ROWS), default=10, show_default=True, help="How many for each user.")
@about_users
def recommendations(
    n: int, file: Path, form: str | None, named: tuple[bytes, ...], listed: BinaryIO | None, as_json: bool
) -> None:
    """Write the recommendations of all users, or of some, to FILE (.parquet, .csv, .jsonl), best first."""
    from millrace.export.rows import recommended

    _export_users(recommended(n), "recommendations", file, form, (named, listed), as_json)


def _export_users(
    kind: "Exported", what: str, file: Path, form: str | None, who: tuple[tuple[bytes, ...], BinaryIO | None],
    as_json: bool,
) -> None:  # fmt: skip
    from millrace.export.files import form_of, table_file
    from millrace.export.rows import Answered, rows_of
    from millrace.export.users import everybody, named_users
    from serving_layer.reading.views import open_views

    form, answered = form_of(file, form), Answered()
    with ExitStack() as stack:
        views = stack.enter_context(open_views(load_settings()))
        if everyone := what == "recommendations":
            views.compile()
        chosen = named_users(*who) or stack.enter_context(everybody(views.batch, views.speed, file, everyone))
        with table_file(file, form, kind.columns) as table:
            for rows in rows_of(views, kind, chosen, f"exporting {what}", answered):
                table.add(rows)
            table.flush()
            if not table.count and (who[0] or who[1]):  # nothing is written then
                raise BadInput(f"none of the {answered.users:,} users that were named has any {what}: check the ids")
    _report({"file": str(file), "rows": table.count, **answered.as_json()}, as_json)


@export.command()
@_FILE
@_format
@as_json
@reports_errors
def events(file: Path, form: str | None, as_json: bool) -> None:
    """Write the accepted events of the lake to FILE, in the log's order; the column `raw` is the event as it came.

    JSON lines are the events as they came, one per line, as `millrace produce` takes them. The lake holds what lies
    below the boundary of the newest batch run.
    """
    from adapters.lake.in_order import stored_in_order
    from adapters.lake.tables import Lake
    from adapters.records.control import read_control
    from adapters.stores.opened import batch_views
    from adapters.terminal.progress import progress
    from core.control.changes import origin
    from datasets.files.output import write_lines
    from millrace.export.files import form_of, table_file
    from millrace.export.sources import EVENTS, ONE_LINE, raw_of
    from schemas.errors import NotReady

    settings, form = load_settings(), form_of(file, form)
    control = read_control(batch_views(settings)) if settings.stores.batch_views or settings.home.is_dir() else None
    if control is None:
        raise NotReady("there is no lake yet: run `millrace batch run` first")
    lake = Lake(None, settings.lake_path)
    covered = lake.covered(control.log, origin(control))
    chunks = stored_in_order(lake, settings.rules, covered, EVENTS)
    if form == "jsonl":
        count = write_lines(file, (raw.translate(ONE_LINE).encode() for chunk in chunks for raw in raw_of(chunk)))
    else:
        with table_file(file, form, EVENTS) as table, progress("exporting events") as reached:
            for chunk in chunks:
                table.add_table(chunk)
                reached(table.count)
        count = table.count
    _report({"file": str(file), "rows": count, "offsets": covered}, as_json)


def _of_catalogue(name: str) -> Callable[..., None]:
    """Return the command that writes the records of items, or those of users."""

    def command(file: Path, form: str | None, as_json: bool) -> None:
        from adapters.stores.opened import speed_views
        from datasets.files.output import write_lines
        from millrace.export.files import form_of, table_file
        from millrace.export.sources import RECORD_TABLES, records

        (space, columns, row_of), form = RECORD_TABLES[name], form_of(file, form)
        stored: Iterator[bytes] = records(speed_views(load_settings()), space)
        if form == "jsonl":  # each as it came, with members that Millrace does not know
            count = write_lines(file, stored)
        else:
            with table_file(file, form, columns) as table:
                for record in stored:
                    table.add([row_of(record)])
            count = table.count
        _report({"file": str(file), "rows": count}, as_json)

    command.__doc__ = f"Write the newest record of all {name} to FILE; `produce --topic {name}` takes the JSON lines."
    return command


@export.command()
@_FILE
@_format
@as_json
@reports_errors
def lists(file: Path, form: str | None, as_json: bool) -> None:
    """Write the lists that users made to FILE (.parquet, .csv, .jsonl), a row per item; an empty one is a row."""
    from adapters.stores.opened import batch_views
    from millrace.export.files import form_of, table_file
    from millrace.export.sources import PERSONAL_LISTS, list_rows, personal_lists

    with table_file(file, form_of(file, form), PERSONAL_LISTS) as table:
        for named in personal_lists(batch_views(load_settings())):
            table.add(list_rows(*named))
    _report({"file": str(file), "rows": table.count}, as_json)


for _name in ("items", "users"):
    export.command(_name)(_FILE(_format(as_json(reports_errors(_of_catalogue(_name))))))


@export.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--generation", "name", metavar="ID", help="A kept one. Default: the active one.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="parquet", show_default=True)
@as_json
@reports_errors
def generation(folder: Path, name: str | None, form: str, as_json: bool) -> None:
    """Write all views of a generation as tables, and its models as arrays, to a new FOLDER."""
    from adapters.stores.opened import batch_views
    from millrace.export.generation import write_generation

    written = write_generation(batch_views(load_settings()), name, folder, form)
    _report({"folder": str(folder), **written}, as_json)


@export.command()
@click.argument("url")
@click.option("-n", type=click.IntRange(1, MOST_ROWS), default=10, show_default=True, help="How many for each user.")
@as_json
@reports_errors
def database(url: str, n: int, as_json: bool) -> None:
    """Write users, items, interactions, lists and recommendations to a database, as tables with keys.

    URL is postgresql://user:password@host:port/database or sqlite:///path/to/file.sqlite. All of it appears at once. A
    second run brings the tables up to date: it writes what changed and deletes what is gone.
    """
    from millrace.export.database.command import export_database

    _report({"database": masked(url), **export_database(load_settings(), url, n)}, as_json)


def _report(written: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(written)
        return
    rows = written["rows"]
    count = sum(rows.values()) if isinstance(rows, dict) else rows
    of = f" of {written['users']:,} users" if "users" in written else ""
    place = written.get("file") or written.get("folder") or written["database"]
    echo(f"wrote {count:,} rows{of} to {place}")
    if written.get("users_without_rows"):
        echo(f"{written['users_without_rows']:,} of these users have none")
