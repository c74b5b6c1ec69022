"""``millrace rejected list`` and ``rejected replay``: the dead letters."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import click

from adapters.broker.opening import open_log
from adapters.log.dead_letters import DeadLetter, dead_letters
from adapters.log.forgotten import marks
from adapters.log.kafka_log import Log
from adapters.records.control import check_speed_store
from adapters.settings import load_settings
from adapters.stores.opened import speed_views
from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from core.events.remedies import remedy
from datasets.sending.lines import KEY_FIELDS
from millrace.rejected.replaying import Replayer, id_in, short_name
from schemas.rules import Rules

NEVER = -(2**63)
SHOWN_CHARACTERS = 60  # of a value
CATALOGUE_REMEDY = (
    "items and users: repair the field that the reason names, in the producer or in a file: `millrace rejected export "
    "FILE --topic items`, repair FILE, `millrace produce FILE --topic items`; a wrong or missing key alone is set by "
    "`millrace rejected replay --topic items`"
)
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


@click.group()
def rejected() -> None:
    """Show and replay dead letters: records that fail the contract, kept with their bytes and the reason."""


def chooses(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select letters."""
    reason = click.option("--reason", help="Only those rejected for this reason, e.g. misrouted.")
    topic = click.option("--topic", type=click.Choice(list(KEY_FIELDS)), help="Only those of this topic.")
    return reason(topic(command))


@rejected.command("list")
@click.option(
    "-n", "limit", metavar="N", type=click.IntRange(1), default=100, show_default=True, help="At most N, newest last."
)
@chooses
@as_json
@reports_errors
def list_(limit: int, topic: str | None, reason: str | None, as_json: bool) -> None:
    """Show every rejected record once, with its place in the log and the reason, and the remedy for each reason."""
    settings = load_settings()
    with open_log(settings) as log:
        rows = [_row(letter) for letter in chosen(log, topic, reason)][-limit:]
        catalogue = (log.topics.items, log.topics.users)
    if as_json:
        print_json(rows)
        return
    show(rows)
    for line in advice([row for row in rows if row["topic"] not in catalogue], settings.rules):
        echo(line)
    if any(row["topic"] in catalogue for row in rows):
        echo(CATALOGUE_REMEDY)


def advice(rows: list[dict[str, Any]], rules: Rules) -> Iterator[str]:
    """Yield the remedy for each reason of these rejected events, and the number of events without a key."""
    keyless = sum(not row["key"] and row["reason"] == "key_mismatch" for row in rows)
    for reason in sorted({row["reason"] for row in rows}):
        without = f" ({keyless:,} of them without a key)" if keyless and reason == "key_mismatch" else ""
        yield f"{reason}{without}: {remedy(reason, rules)}"


def show(rows: list[dict[str, Any]]) -> None:
    """Print the dead letters as a table, or a sentence when there are none."""
    if not rows:
        echo("no rejected records; a record is judged when a layer reads it (`millrace up`, `millrace batch run`)")
        return
    from adapters.terminal.console import console
    from adapters.terminal.fitted_table import Field, print_table

    fields = (
        Field("topic", lambda row: str(row["topic"]), leaves=1),
        Field("partition", lambda row: str(row["partition"]), right=True),
        Field("offset", lambda row: str(row["offset"]), right=True),
        Field("reason", lambda row: str(row["reason"])),
        Field("key", lambda row: _quoted(row["key"])),
        Field("value (start)", lambda row: _quoted(row["value"], SHOWN_CHARACTERS), least=12, leaves=2),
    )
    print_table(console(), fields, rows)


@rejected.command()
@chooses
@as_json
@reports_errors
def replay(topic: str | None, reason: str | None, as_json: bool) -> None:
    """Append the bytes again to the topic they came from, keyed by their user_id or item_id.

    Records that were replayed before are left out, and so are catalogue records that a newer record supersedes.
    """
    settings = load_settings()
    store = speed_views(settings)
    with open_log(settings) as log:
        check_speed_store(store, log.identity())
        letters = (letter for letter in chosen(log, topic, reason) if letter.record.value is not None)
        done = Replayer(log, store, log.appender(settings.log.partitioner)).send(letters)
    superseded = {"superseded": done.superseded} if done.superseded else {}
    if as_json:
        print_json({"replayed": done.sent, "replayed_before": done.before, **superseded})
    else:
        older = f"; {done.superseded:,} left out, because a newer record describes the same" if superseded else ""
        click.echo(f"replayed {done.sent:,}; {done.before:,} had been replayed before{older}")


@rejected.command()
@click.argument("file", type=click.File("wb"))
@chooses
@as_json
@reports_errors
def export(file: BinaryIO, topic: str | None, reason: str | None, as_json: bool) -> None:
    """Write the values to FILE, one per line. Repair them there and send them with `millrace produce FILE`.

    Exports events only, unless --topic names another topic. A line break inside a value becomes a space, which means
    the same in JSON. A record without a value is left out.
    """
    name, written, others = topic or "events", 0, Counter[str]()
    with open_log(load_settings()) as log:
        for letter in chosen(log, topic, reason):
            of_topic = short_name(log.topics, letter.record.topic)
            if letter.record.value is None or of_topic != name:
                others[of_topic] += letter.record.value is not None
                continue
            file.write(letter.record.value.translate(_ONE_LINE) + b"\n")
            written += 1
    if as_json:
        print_json({"exported": written})
    else:
        to = "" if name == "events" else f" --topic {name}"
        echo(f"exported {written:,}; repair them, then: millrace produce {file.name}{to}", err=True)
    for other, count in (+others).items():
        echo(f"{count:,} dead letters of the topic {other} are left out: --topic {other} exports them", err=True)


def chosen(log: Log, topic: str | None = None, reason: str | None = None) -> Iterator[DeadLetter]:
    """Yield the unforgotten letters of that topic (``events``, ``items``, ``users``) and reason; None means any."""
    for letter in unforgotten(log):
        if topic in (None, short_name(log.topics, letter.record.topic)) and reason in (None, letter.reason):
            yield letter


def unforgotten(log: Log) -> Iterator[DeadLetter]:
    """Yield all letters except those of users forgotten since; the key or the value names a record's user."""
    gone = {mark.user_id.encode(): mark.at for mark in marks(log)}
    for letter in dead_letters(log):
        about_a_user = gone and letter.record.topic != log.topics.items
        users = {letter.record.key, id_in(letter, "users")} if about_a_user else set()
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


def _quoted(text: str | None, most: int | None = None) -> str:
    """Return the text, or its start, in quotes, so that an empty text differs from a missing one."""
    return "(none)" if text is None else f"'{text[:most]}'"


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else octets.decode(errors="backslashreplace")
