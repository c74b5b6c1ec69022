"""The command ``produce``."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click

from adapters.terminal.commands import as_json, print_json, reports_errors
from adapters.terminal.numbers import Number
from datasets.sending.first_lines import look_at
from datasets.sending.judging import JUDGED_AT_ONCE, Judged, judge_of
from datasets.sending.lines import KEY_FIELDS, Pace, Sent, key_reader, send_lines
from schemas.errors import BadInput

REPORTED_EVERY = 1_000


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--topic", type=click.Choice(["events", "items", "users"]), default="events", show_default=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["lines", "json"]),
    default="lines",
    show_default=True,
    help="One object per line; or an array, or objects that follow one another, spread as they may be.",
)
@click.option("--rate", type=Number(0, min_open=True), help="Lines per second; default: no limit.")
@as_json
@reports_errors
def produce(file: Path, topic: str, form: str, rate: float | None, as_json: bool) -> None:
    """Send each line of FILE (or a .gz; - is stdin) to the log, its bytes unchanged, keyed by its user_id or item_id.

    No line is held back: one whose key cannot be read goes out with an empty key and is rejected downstream. Only
    empty lines and a byte order mark are left out. Every line is judged as the layers will judge it: a warning counts
    those that will be rejected, by reason, and the exit status is 1 when no line counts. The command returns when the
    broker has acknowledged all. A second run sends all again.
    """
    from adapters.broker.opening import open_log
    from adapters.settings import load_settings

    settings, started, source = load_settings(), time.monotonic(), "stdin" if str(file) == "-" else str(file)
    judged = Judged(judge_of(topic, settings.rules, _now), _now)
    with _content(file) as content, ExitStack() as stack:
        opened = look_at(content, source, form == "lines")  # before a broker is started
        log = stack.enter_context(open_log(settings))
        name: str = getattr(log.topics, topic)
        lines = opened.lines() if form == "lines" else opened.objects()
        sent = _send(lines, log.appender(settings.log.partitioner), (topic, name), rate, judged)
    seconds = time.monotonic() - started
    counts = {"topic": name, "acknowledged": sent.lines, "without_key": sent.without_key, "empty": sent.empty}
    sentence = f"{sent.lines:,} lines acknowledged on {name} in {seconds:.1f} s"
    sentence += f", {sent.without_key:,} of them without a readable key" if sent.without_key else ""
    sentence += f"; {sent.empty:,} empty lines skipped" if sent.empty else ""
    sentence += "; a byte order mark was left out" if opened.had_mark else ""
    if as_json:
        print_json({**counts, "rejected": dict(judged.rejected), "seconds": round(seconds, 3)})
    else:
        click.echo(sentence)
    _require_that_some_count(source, sent, judged)


def _require_that_some_count(source: str, sent: Sent, judged: Judged) -> None:
    """Warn of what will be rejected.

    Raises:
        BadInput: nothing that was sent counts.
    """
    if not sent.lines:
        raise BadInput(f"{source} holds no line: nothing was sent")
    if judged.nothing_counts:
        raise BadInput(f"none of the {sent.lines:,} lines sent counts, each will be rejected: {judged.reasons()}")
    if bad := judged.rejected.total():
        click.echo(f"millrace: {bad:,} of the {sent.lines:,} lines sent will be rejected: {judged.reasons()}", err=True)


def _content(file: Path) -> AbstractContextManager[BinaryIO]:
    from datasets.files.parts import open_file

    return nullcontext(sys.stdin.buffer) if str(file) == "-" else open_file(file)


def _send(lines: Iterator[bytes], appender: Any, topic: tuple[str, str], rate: float | None, judged: Judged) -> Sent:
    """Send and wait for the acknowledgements, even of a part when the file breaks off or Ctrl-C is pressed."""
    from adapters.terminal.progress import progress

    def append(name: str, key: bytes, value: bytes) -> None:
        judged.see(key, value)
        appender.append(name, key, value)
        if sent.lines == JUDGED_AT_ONCE - 1 and judged.nothing_counts:
            early = f"each of the first {JUDGED_AT_ONCE:,} lines will be rejected"
            click.echo(f"millrace: {early}: {judged.reasons()}", err=True)

    key_of, sent = key_reader(KEY_FIELDS[topic[0]]), Sent()
    paced = Pace(rate, time.monotonic, time.sleep)(lines) if rate else lines
    with progress("sending") as reached:
        try:
            for sent in send_lines(paced, append, topic[1], key_of):
                if rate or sent.lines % REPORTED_EVERY == 0:
                    reached(sent.lines)
        except KeyboardInterrupt:
            click.echo(f"interrupted after {sent.lines:,} lines", err=True)
            raise
        finally:
            appender.flush()
            judged.finish()
    return sent


def _now() -> int:
    return time.time_ns() // 1_000_000
