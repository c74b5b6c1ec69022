"""The command ``import``."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import click

from adapters.terminal.commands import Converted, as_json, echo, print_json, reports_errors
from adapters.terminal.numbers import Number
from datasets.importing.asked import CSV, importer_of
from datasets.importing.report import empty_share, nothing_kept, report, report_trial

SHOWN = 10  # events of a dry run
_PATH = click.Path(path_type=Path)


def _kind_pair(text: str) -> tuple[str, str]:
    word, equals, kind = text.rpartition("=")
    if not equals:
        raise ValueError(f"{text!r} must be WORD=KIND, e.g. BOUGHT=purchase")
    return word, kind


_KIND = Converted("word=kind", _kind_pair)


def csv_option(*names: str, help: str, **how: Any) -> Any:
    """Return an option of the format csv alone; its help says so."""
    return click.option(*names, help=f"csv: {help}", **how)


CSV_COLUMNS = {
    "item": "column of the item; required, as are --user and --time. #1 is the first column.",
    "time": "column of the time.",
    "kind": "column of the kind.",
    "kind-value": "the kind of all rows when there is no such column.  [default: view]",
    "value": "column of the value (rating, quantity, price).",
    "category": "column of the category.",
    "session": "column of the session.",
    "title": "column of the item's title, for the catalogue.",
    "brand": "column of the item's brand, for the catalogue.",
    "price": "column of the item's price, for the catalogue.",
}
_CSV_FORM = (
    csv_option("--event-id", multiple=True, help="column of the event's id; several are joined."),
    csv_option("--time-format", help="iso, epoch-s, -ms, -us, -ns or a pattern like '%d.%m.%Y %H:%M'.  [default: iso]"),
    csv_option("--timezone", help="of times without a zone.  [default: UTC]"),
    csv_option("--delimiter", help="tab, semicolon, pipe or any characters.  [default: ,]"),
    csv_option("--quoting", type=click.Choice(["none", "minimal"]), help="do quotes quote?  [default: not with tab]"),
    csv_option("--no-header", is_flag=True, help="the first line is a row; columns are named by place: #1, #2, …"),
    csv_option("--fill-down", multiple=True, metavar="COLUMN", help="empty cells of it take the cell above."),
    csv_option("--fill-within", metavar="COLUMN", help="fill down only while this column stays the same."),
)  # fmt: skip
_SHARED = (
    click.option("--user", "--user-column", "user_column", help="Column of the user, e.g. user_session of rees46."),
    click.option("--kind-map", multiple=True, type=_KIND, metavar="WORD=KIND", help="WORD= leaves it out."),
    click.option("--table", default="", help="Which table of an archive or folder: a file name or pattern."),
    click.option("--encoding", default="", help="E.g. cp1251.  [default: by byte order mark, else UTF-8, else cp1252]"),
    click.option("--decimal", type=click.Choice([".", ","]), default=".", help="Before the fraction.  [default: .]"),
    click.option("--null", multiple=True, metavar="WORD", help="A word for nothing.  [default: NULL, nan, None, …]"),
    click.option("--keep-blanks", is_flag=True, help="Keep blanks around ids and after separators."),
)  # fmt: skip


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with the options that say how files are read."""
    columns = [csv_option(f"--{name}", help=help) for name, help in CSV_COLUMNS.items()]
    for option in reversed((*_SHARED, *columns, *_CSV_FORM)):
        command = option(command)
    return command


_CSV_ONLY = (
    *(name.replace("-", "_") for name in CSV_COLUMNS), "event_id", "time_format", "timezone", "delimiter", "quoting",
    "no_header", "fill_down", "fill_within",
)  # fmt: skip


@click.command("import")
@click.argument("format")
@click.argument("path", type=_PATH)
@click.option("--out", type=_PATH, help="A JSONL file (.gz compresses); default: to the log.")
@click.option("--items-out", type=_PATH, help="Default: items.jsonl beside --out.")
@click.option("--rejects", type=_PATH, help="A JSONL file of each dropped row: row, line, table, reason, cells.")
@click.option("--dry-run", is_flag=True, help="Print the first ten events and what would be dropped; write nothing.")
@click.option("--save", metavar="NAME", help="csv and guess: keep the mapping under this name, for import and relay.")
@click.option("--events-only", is_flag=True, help="Leave the catalogue out.")
@click.option("--limit", type=click.IntRange(0), help="At most this many events.")
@click.option("--from-fraction", type=Number(0, 1), default=0.0, help="Leave out this share, the earliest.")
@click.option("--until-fraction", type=Number(0, 1), default=1.0, help="Stop after this share of the events.")
@reading_options
@as_json
@reports_errors
def import_(
    path: Path, out: Path | None, items_out: Path | None, rejects: Path | None, as_json: bool, **options: Any
) -> None:
    """Read files of any shape into events and items, in order of time.

    FORMAT is csv with the columns as options, a format by name (rees46, ga4, shopify, …), the name of a saved mapping,
    a mapping's file (.toml, .json), or guess, which proposes a mapping. PATH is a file (CSV, JSON or Parquet), plain
    or packed (.gz, .bz2, .xz, .zst), an archive (.zip, .tar) or a folder.

    Every line is accounted for: rows that make no event are counted by reason. To batch a part and stream the rest,
    import it twice: with --until-fraction 0.7 and with --from-fraction 0.7.
    """
    from adapters.settings import load_settings
    from datasets.files.output import require_apart
    from datasets.importing.share import Share, read_dataset, to_files

    settings = load_settings()
    if options["format"] == "guess":
        _guess(path, settings, options, as_json)
        return
    _require_usage(options)
    items_path = items_out or (out.parent / "items.jsonl" if out else None)
    require_apart(path, out, items_path, rejects)
    importer = importer_of(path, settings, options)
    if options["save"]:
        _save(importer, settings, options)
    share = Share(*(options[name] for name in ("from_fraction", "until_fraction", "limit")))
    with _rejects(rejects, importer.tally), _reading(importer.tally):
        imported = read_dataset(importer, share, not options["events_only"])
    if not importer.tally.kept:
        raise nothing_kept(importer, as_json)
    if not imported.count and share.limit != 0:
        raise empty_share(importer, as_json, share)
    if options["dry_run"]:
        first = [json.loads(text) for _, text in islice(imported.lines(), SHOWN)]
        report_trial(first, imported.count, len(imported.items), importer, as_json)
        return
    if out and items_path:
        events, items = to_files(imported, out, items_path)
        place: dict[str, str] = {"out": str(out), **({"items_out": str(items_path)} if items else {})}
    else:
        events, place = _send_import(settings, imported)
        items = len(imported.items)
    wrote = f"wrote {events:,} events and {items:,} items to {', '.join(place.values())}"
    report({"events": events, "items": items, **place}, importer, as_json, wrote)


def _require_usage(options: dict[str, Any]) -> None:
    """Raise click.UsageError for options that do not go together."""
    given = [name for name in _CSV_ONLY if options[name]]
    if options["format"] != CSV and given:
        raise click.UsageError(f"--{given[0].replace('_', '-')} is for the format csv only")
    if options["format"] == CSV and not (options["user_column"] and options["item"] and options["time"]):
        raise click.UsageError("the format csv needs --user, --item and --time, each the name of a column")
    if options["save"] and options["format"] != CSV:
        raise click.UsageError("--save keeps the mapping of csv and of guess; others have a name or a file already")


def _guess(path: Path, settings: Any, options: dict[str, Any], as_json: bool) -> None:
    """Print a mapping for the file, and keep it if a name is given."""
    from datasets.importing.asked import import_options
    from datasets.importing.guessing import guess

    guessed = guess(path, import_options(settings.fold.kinds, options))
    if options["save"]:
        from datasets.formats.known import save

        saved = save(guessed.text, options["save"], settings.home)
        echo(f"saved as {saved}", err=True)
    if as_json:
        print_json({"mapping": guessed.document, "rows": guessed.rows, "kept": guessed.kept, "format": guessed.format})
    else:
        echo(guessed.text.rstrip("\n"))
    then = options["save"] or guessed.format or "MAPPING.toml"
    echo(
        f"{guessed.kept:,} of the first {guessed.rows:,} rows make events; then `millrace import {then} {path}`",
        err=True,
    )


def _save(importer: Any, settings: Any, options: dict[str, Any]) -> None:
    """Keep the mapping that the options of csv make."""
    from datasets.formats.known import save
    from datasets.mapping.written import toml_text

    echo(f"saved as {save(toml_text(importer.document), options['save'], settings.home)}", err=True)


@contextmanager
def _rejects(path: Path | None, tally: Any) -> Iterator[None]:
    """Write each dropped row to the file while the block runs."""
    from datasets.files.output import replacing

    if path is None:
        yield
        return
    with replacing(path) as file:
        tally.on_reject = lambda reject: file.write(json.dumps(asdict(reject)).encode() + b"\n")
        yield


@contextmanager
def _reading(tally: Any) -> Iterator[None]:
    """Show how much of the files has been read."""
    from adapters.terminal.progress import progress

    with progress("reading, MB") as reached:
        tally.reached = lambda done, total: reached(done >> 20, max(1, total >> 20))
        yield


def _send_import(settings: Any, imported: Any) -> tuple[int, dict[str, str]]:
    """Send catalogue and events to the log and wait for the acknowledgements."""
    from adapters.broker.opening import open_log
    from adapters.log.bulk_appender import BulkAppender
    from adapters.terminal.progress import progress
    from datasets.importing.share import to_log

    with open_log(settings) as log:
        appender, sent = BulkAppender(log.bootstrap, settings.log.partitioner, log.options), 0
        with progress("sending", imported.count) as reached:
            for sent in to_log(imported, appender.append, log.topics.events, log.topics.items):
                reached(sent)
            appender.flush()
        return sent, {"topic": log.topics.events}
