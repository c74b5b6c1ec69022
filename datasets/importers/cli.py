"""The command ``import``."""

from pathlib import Path
from typing import Any

import click

from adapters.commands import as_json, print_json, reports_errors
from datasets.importers import IMPORTERS

REPORTED_EVERY = 1_000
_EXISTING = click.Path(path_type=Path)


@click.command("import")
@click.argument("format", type=click.Choice(list(IMPORTERS)))
@click.argument("path", type=_EXISTING)
@click.option("--out", type=_EXISTING, help="A JSONL file (.gz compresses); default: to the log.")
@click.option("--items-out", type=_EXISTING, help="Default: items.jsonl beside --out.")
@click.option("--events-only", is_flag=True, help="Leave the catalogue out.")
@click.option("--limit", type=click.IntRange(0), help="At most so many events.")
@click.option("--from-fraction", type=click.FloatRange(0, 1), default=0.0, help="Leave out this share, the earliest.")
@click.option("--until-fraction", type=click.FloatRange(0, 1), default=1.0, help="Stop after this share of the events.")
@click.option("--user", "--user-column", "user_column", help="Column of the user, e.g. user_session of rees46.")
@click.option("--kind-map", multiple=True, metavar="WORD=KIND", help="The file's word for a kind; WORD= leaves it out.")
@click.option("--item", help="csv: column of the item; required, as are --user and --time.")
@click.option("--time", help="csv: column of the time.")
@click.option("--kind", help="csv: column of the kind.")
@click.option("--kind-value", help="csv: the kind of all rows when there is no such column.  [default: view]")
@click.option("--value", help="csv: column of the value (rating, quantity, price).")
@click.option("--category", help="csv: column of the category.")
@click.option("--session", help="csv: column of the session.")
@click.option("--event-id", help="csv: column of the event's id; default: made of row number and content.")
@click.option("--time-format", help="csv: epoch-s, epoch-ms, iso or a pattern like '%d.%m.%Y %H:%M'.  [default: iso]")
@click.option("--timezone", help="csv: of times without a zone.  [default: UTC]")
@click.option("--delimiter", help="csv: one character, or tab.  [default: ,]")
@as_json
@reports_errors
def import_(path: Path, out: Path | None, items_out: Path | None, as_json: bool, **options: Any) -> None:
    """Read a public data set (a file, .gz, .zip or folder) into events and items, in order of time.

    Rows that make no event are counted by reason. To batch a part and stream the rest, import it twice: with
    --until-fraction 0.7 and with --from-fraction 0.7.
    """
    from adapters.progress import progress
    from adapters.settings import load_settings
    from datasets.importing import Share, read_dataset, to_files

    settings = load_settings()
    importer = _importer(path, frozenset(settings.kinds), options)
    share = Share(*(options[name] for name in ("from_fraction", "until_fraction", "limit")))
    with progress(f"reading {path}"):
        imported = read_dataset(importer, share, not options["events_only"])
    if out:
        items_path = items_out or out.parent / "items.jsonl"
        events, items = to_files(imported, out, items_path)
        place: dict[str, str] = {"out": str(out), **({"items_out": str(items_path)} if items else {})}
    else:
        events, place = _send_import(settings, imported)
        items = len(imported.items)
    tally = importer.tally
    told = {"events": events, "items": items, **place}
    counted = {"kept": tally.kept, "dropped": dict(tally.dropped), "notes": dict(tally.notes)}
    sentence = f"{tally.sentence()}\nwrote {events:,} events and {items:,} items to {', '.join(place.values())}"
    _tell(as_json, {**told, **counted}, sentence)


def _importer(path: Path, kinds: frozenset[str], options: dict[str, Any]) -> Any:
    """The importer of the format that was asked for, with its options."""
    from datasets.importers.base import ImportOptions
    from datasets.importers.delimited import Columns, Delimited
    from datasets.tally import Tally

    words = dict(_kind_pair(text) for text in options["kind_map"])
    chosen = ImportOptions(options["user_column"] or "", kinds, words)
    names = [name for name in Columns.__dataclass_fields__ if options[name] is not None]
    if options["format"] != "csv":
        if names:
            raise click.UsageError(f"--{names[0].replace('_', '-')} is for the format csv only")
        return IMPORTERS[options["format"]](path, chosen, Tally())
    if not (options["user_column"] and options["item"] and options["time"]):
        raise click.UsageError("the format csv needs --user, --item and --time, each the name of a column")
    return Delimited(path, chosen, Tally(), Columns(**{name: options[name] for name in names}))


def _kind_pair(text: str) -> tuple[str, str]:
    word, equals, kind = text.rpartition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} must be WORD=KIND, e.g. BOUGHT=purchase", param_hint="--kind-map")
    return word, kind


def _send_import(settings: Any, imported: Any) -> tuple[int, dict[str, str]]:
    """Send catalogue and events to the log and wait for the acknowledgements."""
    from adapters.opening import open_log
    from adapters.progress import progress
    from datasets.importing import to_log

    with open_log(settings) as log:
        appender = log.appender(settings.partitioner)
        sent = 0
        with progress("sending") as reached:
            for sent in to_log(imported, appender.append, log.topics.events, log.topics.items):
                if sent % REPORTED_EVERY == 0:
                    reached(sent)
            appender.flush()
        return sent, {"topic": log.topics.events}


def _tell(as_json: bool, told: dict[str, Any], sentence: str) -> None:
    """The outcome: JSON on stdout for programs, or a sentence."""
    if as_json:
        print_json(told)
    else:
        click.echo(sentence)
