"""The commands ``generate``, ``import`` and ``produce``."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click

from adapters.commands import MOMENT, as_json, print_json, reports_errors
from datasets.producing import KEY_FIELDS, Pace, Sent, key_reader, read_lines, send_lines

FORMATS = ("rees46", "movielens", "deskdrop", "online-retail", "completejourney", "csv")
REPORTED_EVERY = 1_000
_EXISTING = click.Path(path_type=Path)


@click.command()
@click.option("--users", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--items", type=click.IntRange(2), default=500, show_default=True)
@click.option("--events", type=click.IntRange(1), default=100_000, show_default=True, help="Lines to write.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed and end, same bytes.")
@click.option("--out", type=_EXISTING, required=True, help="The events; items.jsonl and truth.json go beside it.")
@click.option("--days", type=float, default=30.0, show_default=True, help="How long before the end they begin.")
@click.option("--end", type=MOMENT, help="No event is later: RFC 3339 or epoch ms; default: now.")
@as_json
@reports_errors
def generate(out: Path, end: int | None, as_json: bool, **size: Any) -> None:
    """Write synthetic events with a planted truth: clusters, trends with their onset, items bought together."""
    from datasets.generator import GeneratorSettings, write_dataset
    from datasets.output import progress

    settings = GeneratorSettings(**size, end_ms=time.time_ns() // 1_000_000 if end is None else end)
    with progress("generating", settings.events) as reached:
        write_dataset(settings, out, reached)
    items, truth = out.parent / "items.jsonl", out.parent / "truth.json"
    told = {"events": settings.events, "items": settings.items, "end": settings.end_ms, "seed": settings.seed}
    sentence = f"wrote {settings.events:,} events to {out}, {settings.items:,} items to {items}, the truth to {truth}"
    _tell(as_json, {**told, "out": str(out), "items_out": str(items), "truth": str(truth)}, sentence)


@click.command("import")
@click.argument("format", type=click.Choice(FORMATS))
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
    from adapters.settings import load_settings
    from datasets.importing import Share, read_dataset, to_files
    from datasets.output import progress

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
    from datasets.importers import IMPORTERS
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
    from datasets.importing import to_log
    from datasets.output import progress

    with open_log(settings) as log:
        appender = log.appender(settings.partitioner)
        sent = 0
        with progress("sending") as reached:
            for sent in to_log(imported, appender.append, log.topics.events, log.topics.items):
                if sent % REPORTED_EVERY == 0:
                    reached(sent)
            appender.flush()
        return sent, {"topic": log.topics.events}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--topic", type=click.Choice(["events", "items", "users"]), default="events", show_default=True)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Lines a second; default: as fast as it goes.")
@as_json
@reports_errors
def produce(file: Path, topic: str, rate: float | None, as_json: bool) -> None:
    """Send each line of FILE (or a .gz; - is stdin) to the log, its bytes unchanged, keyed by its user_id or item_id.

    Nothing is judged: a line whose key cannot be read goes out with an empty key and is rejected downstream. Only
    empty lines are skipped. Done when the broker has acknowledged all; a second run sends all again.
    """
    from adapters.opening import open_log
    from adapters.settings import load_settings

    settings, started = load_settings(), time.monotonic()
    with _content(file) as content, open_log(settings) as log:
        name: str = getattr(log.topics, topic)
        sent = _send(read_lines(content, str(file)), log.appender(settings.partitioner), (topic, name), rate)
    seconds = time.monotonic() - started
    told = {"topic": name, "acknowledged": sent.lines, "without_key": sent.without_key, "empty": sent.empty}
    sentence = f"{sent.lines:,} lines acknowledged on {name} in {seconds:.1f} s"
    sentence += f", {sent.without_key:,} of them without a readable key" if sent.without_key else ""
    sentence += f"; {sent.empty:,} empty lines skipped" if sent.empty else ""
    _tell(as_json, {**told, "seconds": round(seconds, 3)}, sentence)


def _content(file: Path) -> AbstractContextManager[BinaryIO]:
    from datasets.parts import open_file

    return nullcontext(sys.stdin.buffer) if str(file) == "-" else open_file(file)


def _send(lines: Iterator[bytes], appender: Any, topic: tuple[str, str], rate: float | None) -> Sent:
    """Send and wait for the acknowledgements, even of a part when the file breaks off or Ctrl-C is pressed."""
    from datasets.output import progress

    key_of, sent = key_reader(KEY_FIELDS[topic[0]]), Sent()
    paced = Pace(rate, time.monotonic, time.sleep)(lines) if rate else lines
    with progress("sending") as reached:
        try:
            for sent in send_lines(paced, appender.append, topic[1], key_of):
                if rate or sent.lines % REPORTED_EVERY == 0:
                    reached(sent.lines)
        except KeyboardInterrupt:
            click.echo(f"interrupted after {sent.lines:,} lines", err=True)
            raise
        finally:
            appender.flush()
    return sent


def _tell(as_json: bool, told: dict[str, Any], sentence: str) -> None:
    """The outcome: JSON on stdout for programs, or a sentence."""
    if as_json:
        print_json(told)
    else:
        click.echo(sentence)
