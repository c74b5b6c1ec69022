"""``millrace rejected list`` and ``rejected replay``: the dead letters."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import click

from adapters.books import REPLAYED
from adapters.commands import as_json, echo, print_json, reports_errors
from adapters.dead_letters import DeadLetter, dead_letters
from adapters.forgotten import marks
from adapters.log import Log
from adapters.opened import speed_views
from adapters.opening import open_log
from adapters.settings import load_settings
from core.remedies import remedy
from datasets.producing import key_reader

NEVER = -(2**63)
SHOWN = 60  # characters of a key or a value
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


@click.group()
def rejected() -> None:
    """The dead letters: events that fail the contract, kept with their bytes and the reason."""


@rejected.command("list")
@click.option(
    "-n", "limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many, newest last."
)
@as_json
@reports_errors
def list_(limit: int, as_json: bool) -> None:
    """Every rejected record once, with its place in the log and the reason; and what helps against each reason."""
    settings = load_settings()
    with open_log(settings) as log:
        rows = [_row(letter) for letter in unforgotten(log)][-limit:]
    if as_json:
        print_json(rows)
        return
    show(rows)
    for reason in sorted({row["reason"] for row in rows}):
        echo(f"{reason}: {remedy(reason, settings.rules)}")


def show(rows: list[dict[str, Any]]) -> None:
    """The dead letters as a table."""
    from rich.table import Table

    from adapters.terminal import console

    table = Table("partition", "offset", "reason", "key", "value (start)")
    for row in rows:
        key, start = (_start(row[name]) for name in ("key", "value"))
        table.add_row(str(row["partition"]), str(row["offset"]), row["reason"], key, start)
    console().print(table)


@rejected.command()
@click.option("--reason", help="Only those rejected for this reason, e.g. misrouted.")
@as_json
@reports_errors
def replay(reason: str | None, as_json: bool) -> None:
    """Append the bytes to the events topic again, keyed by their user_id; what was replayed before is left out."""
    settings, key_of = load_settings(), key_reader("user_id")
    store, sent, before = speed_views(settings), 0, 0
    with open_log(settings) as log:
        appender = log.appender(settings.partitioner)
        for letter in unforgotten(log):
            record = letter.record
            place = f"{record.topic}/{record.partition}/{record.offset}".encode()
            if record.value is None or (reason is not None and letter.reason != reason):
                continue
            if store.read(REPLAYED, "places", [place]):
                before += 1
                continue
            appender.append_all(log.topics.events, [(key_of(record.value), record.value)])
            store.put(REPLAYED, {("places", place): letter.reason.encode()})
            sent += 1
    if as_json:
        print_json({"replayed": sent, "replayed_before": before})
    else:
        click.echo(f"replayed {sent:,}; {before:,} had been replayed before")


@rejected.command()
@click.argument("file", type=click.File("wb"))
@click.option("--reason", help="Only those rejected for this reason, e.g. unknown_kind.")
@as_json
@reports_errors
def export(file: BinaryIO, reason: str | None, as_json: bool) -> None:
    """Write the values to FILE, one a line, to be mended there and sent with `millrace produce FILE`.

    A line break inside a value becomes a space, which means the same in JSON. A record without a value has nothing to
    mend and is left out.
    """
    written = 0
    with open_log(load_settings()) as log:
        for letter in unforgotten(log):
            if letter.record.value is not None and reason in (None, letter.reason):
                file.write(letter.record.value.translate(_ONE_LINE) + b"\n")
                written += 1
    if as_json:
        print_json({"exported": written})
    else:
        echo(f"exported {written:,}; mend them, then: millrace produce {file.name}", err=True)


def unforgotten(log: Log) -> Iterator[DeadLetter]:
    """All but those of users who were forgotten since; a record's user is whom its key or its value names."""
    gone, key_of = {each.user_id.encode(): each.at for each in marks(log)}, key_reader("user_id")
    for letter in dead_letters(log):
        users = {letter.record.key, key_of(letter.record.value or b"")} if gone else set()
        if not any(letter.record.timestamp <= gone.get(user or b"", NEVER) for user in users):
            yield letter


def _row(letter: DeadLetter) -> dict[str, Any]:
    record = letter.record
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "reason": letter.reason,
        "key": _text(record.key),
        "value": _text(record.value),
    }


def _start(text: str | None) -> str:
    """What a table has room for; none at all is told apart from an empty one."""
    return "(none)" if text is None else f"'{text[:SHOWN]}'"


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else octets.decode(errors="backslashreplace")
