"""The commands ``generate`` and ``produce``."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click

from adapters.commands import MOMENT, as_json, print_json, reports_errors
from datasets.producing import KEY_FIELDS, Pace, Sent, key_reader, read_lines, send_lines

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
