"""The command ``import``."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from datasets.formats import IMPORTERS
from schemas.errors import BadInput
from schemas.event import LATEST_AHEAD_MS

REPORTED_EVERY = 1_000
_PATH = click.Path(path_type=Path)


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


def csv_columns(command: Any) -> Any:
    """Return the command with an option for each of ``CSV_COLUMNS``, in their order."""
    for name, help in reversed(CSV_COLUMNS.items()):
        command = csv_option(f"--{name}", help=help)(command)
    return command


@click.command("import")
@click.argument("format", type=click.Choice(list(IMPORTERS)))
@click.argument("path", type=_PATH)
@click.option("--out", type=_PATH, help="A JSONL file (.gz compresses); default: to the log.")
@click.option("--items-out", type=_PATH, help="Default: items.jsonl beside --out.")
@click.option("--rejects", type=_PATH, help="A JSONL file of each dropped row: row, line, table, reason, cells.")
@click.option("--events-only", is_flag=True, help="Leave the catalogue out.")
@click.option("--limit", type=click.IntRange(0), help="At most this many events.")
@click.option("--from-fraction", type=click.FloatRange(0, 1), default=0.0, help="Leave out this share, the earliest.")
@click.option("--until-fraction", type=click.FloatRange(0, 1), default=1.0, help="Stop after this share of the events.")
@click.option("--user", "--user-column", "user_column", help="Column of the user, e.g. user_session of rees46.")
@click.option("--kind-map", multiple=True, metavar="WORD=KIND", help="The file's word for a kind; WORD= leaves it out.")
@click.option("--table", default="", help="Which table of an archive or folder: a file name or pattern.")
@click.option("--encoding", default="", help="E.g. cp1251.  [default: by byte order mark, else UTF-8, else cp1252]")
@click.option("--decimal", type=click.Choice([".", ","]), default=".", show_default=True, help="Before the fraction.")
@click.option("--null", multiple=True, metavar="WORD", help="A word for an empty cell.  [default: NULL, nan, None, …]")
@click.option("--keep-blanks", is_flag=True, help="Keep blanks around ids and after separators.")
@csv_columns
@csv_option("--event-id", multiple=True, help="column of the event's id, several are joined; default: row and content.")
@csv_option("--time-format", help="iso, epoch-s, -ms, -us, -ns or a pattern like '%d.%m.%Y %H:%M'.  [default: iso]")
@csv_option("--timezone", help="of times without a zone.  [default: UTC]")
@csv_option("--delimiter", help="tab, semicolon, pipe or any characters.  [default: ,]")
@csv_option("--quoting", type=click.Choice(["none", "minimal"]), help="whether quotes quote.  [default: not with tab]")
@csv_option("--no-header", is_flag=True, help="the first line is a row; columns are named by place: #1, #2, …")
@csv_option("--fill-down", multiple=True, metavar="COLUMN", help="empty cells of it take the cell above.")
@csv_option("--fill-within", metavar="COLUMN", help="fill down only while this column stays the same.")
@as_json
@reports_errors
def import_(
    path: Path, out: Path | None, items_out: Path | None, rejects: Path | None, as_json: bool, **options: Any
) -> None:
    """Read a public data set into events and items, in order of time.

    PATH is a file, plain or packed (.gz, .bz2, .xz, .zst), an archive (.zip, .tar) or a folder.

    Every line is accounted for: rows that make no event are counted by reason. To batch a part and stream the rest,
    import it twice: with --until-fraction 0.7 and with --from-fraction 0.7.
    """
    from adapters.settings import load_settings
    from datasets.files.output import require_apart
    from datasets.importing.share import Share, read_dataset, to_files

    settings = load_settings()
    items_path = items_out or (out.parent / "items.jsonl" if out else None)
    require_apart(path, out, items_path, rejects)
    importer = _importer(path, settings.fold.kinds, options)
    share = Share(*(options[name] for name in ("from_fraction", "until_fraction", "limit")))
    with _rejects(rejects, importer.tally), _reading(importer.tally):
        imported = read_dataset(importer, share, not options["events_only"])
    if not importer.tally.kept:
        raise _nothing_kept(importer, as_json)
    if not imported.count and share.limit != 0:
        raise _empty_share(importer, as_json, share)
    if out and items_path:
        events, items = to_files(imported, out, items_path)
        place: dict[str, str] = {"out": str(out), **({"items_out": str(items_path)} if items else {})}
    else:
        events, place = _send_import(settings, imported)
        items = len(imported.items)
    wrote = f"wrote {events:,} events and {items:,} items to {', '.join(place.values())}"
    _report({"events": events, "items": items, **place}, importer, as_json, wrote)


def _importer(path: Path, kinds: Any, options: dict[str, Any]) -> Any:
    """Return the importer of the format that was asked for, with its options."""
    from datasets.fields.acceptance import NULL_WORDS, ImportOptions
    from datasets.files.tally import Tally
    from datasets.files.text import require_encoding
    from datasets.formats.delimited import Columns, Delimited

    require_encoding(options["encoding"])
    words = dict(_kind_pair(text) for text in options["kind_map"])
    for kind in {*words.values()} - {"", *kinds}:
        raise BadInput(f"--kind-map: {kind!r} is no kind; the kinds are {', '.join(kinds)}")
    shared = {name: options[name] for name in ("table", "encoding", "decimal", "keep_blanks")}
    null, latest = frozenset(options["null"]) or NULL_WORDS, time.time_ns() // 1_000_000 + LATEST_AHEAD_MS
    chosen = ImportOptions(options["user_column"] or "", kinds, words, latest, null=null, **shared)
    given = {name: options[name] for name in Columns.__dataclass_fields__ if options[name]}
    if options["format"] != "csv":
        if given:
            raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} is for the format csv only")
        return IMPORTERS[options["format"]](path, chosen, Tally())
    if not (options["user_column"] and options["item"] and options["time"]):
        raise click.UsageError("the format csv needs --user, --item and --time, each the name of a column")
    return Delimited(path, chosen, Tally(), Columns(**given))


def _kind_pair(text: str) -> tuple[str, str]:
    word, equals, kind = text.rpartition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} must be WORD=KIND, e.g. BOUGHT=purchase", param_hint="--kind-map")
    return word, kind


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


def _nothing_kept(importer: Any, as_json: bool) -> BadInput:
    """Return the error of an import of which nothing is left, after its counts have been reported."""
    tally = importer.tally
    _report({"events": 0, "items": 0}, importer, as_json, "wrote nothing")
    why = ", ".join(reason for reason, _ in tally.dropped.most_common(3)) or "there are no rows"
    return BadInput(f"nothing is kept of {importer.path}: {why}")


def _empty_share(importer: Any, as_json: bool, share: Any) -> BadInput:
    """Return the error of a share that holds no event, after the counts have been reported."""
    _report({"events": 0, "items": 0}, importer, as_json, "wrote nothing")
    fractions = f"--from-fraction {share.from_fraction:g} and --until-fraction {share.until_fraction:g}"
    return BadInput(f"none of the {importer.tally.kept:,} events lies between {fractions}: widen the share")


def _report(outcome: dict[str, Any], importer: Any, as_json: bool, wrote: str) -> None:
    """Report the outcome and where every line went: JSON on stdout for programs, or sentences; hints on stderr."""
    from datasets.importing.hints import hints

    tally, remedies = importer.tally, hints(importer.tally, importer.options)
    beside = {name: _counted(side) for name, side in tally.beside.items()}
    if as_json:
        print_json({**outcome, **_counted(tally), "beside": beside, "examples": tally.examples, "hints": remedies})
    else:
        for sentence in (tally.lines_sentence(), tally.sentence(), wrote):
            echo(sentence)
    for hint in remedies:
        echo(f"hint: {hint}", err=True)


def _counted(tally: Any) -> dict[str, Any]:
    counts = {name: dict(getattr(tally, name)) for name in ("dropped", "notes", "explained")}
    return {"kept": tally.kept, **counts, "lines": tally.lines}


def _send_import(settings: Any, imported: Any) -> tuple[int, dict[str, str]]:
    """Send catalogue and events to the log and wait for the acknowledgements."""
    from adapters.broker.opening import open_log
    from adapters.terminal.progress import progress
    from datasets.importing.share import to_log

    with open_log(settings) as log:
        appender = log.appender(settings.log.partitioner)
        sent = 0
        with progress("sending", imported.count) as reached:
            for sent in to_log(imported, appender.append, log.topics.events, log.topics.items):
                if sent % REPORTED_EVERY == 0:
                    reached(sent)
            appender.flush()
        return sent, {"topic": log.topics.events}
