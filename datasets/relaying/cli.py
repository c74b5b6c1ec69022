"""The command ``relay``."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.machine.stopping import until_stopped
from adapters.terminal.commands import Converted, as_json, echo, print_json, reports_errors
from adapters.terminal.reporting import reporter

if TYPE_CHECKING:
    from datasets.relaying.members import Members


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError("write NAME=VALUE, such as security.protocol=SSL")
    return name, value


@click.command()
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC…")
@click.option("--mapping", required=True, help="A format by name, a saved mapping, or a mapping's file (.toml, .json).")
@click.option("--from", "source", default="", help="host:port,… of the source's cluster.  [default: the log's]")
@click.option(
    "--from-option", multiple=True, type=Converted("name=value", _pair), metavar="NAME=VALUE",
    help="An option of librdkafka for the source's cluster, such as security.protocol=SSL.",
)  # fmt: skip
@click.option("--group", default="", help="The consumer group.  [default: millrace-relay-MAPPING]")
@click.option("--member", default="1", show_default=True, help="This process in the group; each needs its own.")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=1, show_default=True,
    help="So many processes share the topics' partitions; each takes a core.",
)  # fmt: skip
@click.option("--available-now", is_flag=True, help="Relay what the topics hold now, then end.")
@click.option("--metrics-in", type=click.Path(path_type=Path), hidden=True, help="Where metrics join.")
@click.option("--counts-to", type=click.Path(path_type=Path), hidden=True, help="A file for what was counted.")
@as_json
@reports_errors
def relay(
    topics: tuple[str, ...], as_json: bool, processes: int, metrics_in: Path | None, counts_to: Path | None,
    **options: Any,
) -> None:  # fmt: skip
    """Turn records of source topics, of any shape and however keyed, into events, until Ctrl-C or SIGTERM.

    Offsets are committed only after the broker has acknowledged the events. A record that cannot be read goes to the
    topic relay-dlt with its bytes and the reason; that topic can be relayed again by a better mapping. Events without
    an id are named after their record's place, so that what a crash repeats counts once. Its metrics are shown at
    [metrics] port.
    """
    from adapters.broker.opening import open_log
    from adapters.settings import load_settings
    from adapters.telemetry.counting import share_in
    from adapters.telemetry.endpoint import shown_at
    from datasets.relaying.members import write_counts
    from datasets.relaying.opened import opened_relay
    from datasets.relaying.relay import sentence

    settings, say = load_settings(), reporter("relay")
    if metrics_in is not None:
        share_in(metrics_in)
    port = settings.metrics.port if metrics_in is None else 0
    shared = _members(topics, processes, options)
    with shared as members, shown_at(settings.metrics.host, port), open_log(settings) as log:
        job = opened_relay(settings, log, topics, options, say)  # also finds what the members would end with
        work = members or job
        with until_stopped(work.stop):
            counts = work.run()
            say("stopped" if work.stopping.is_set() else "done")
    if counts_to is not None:
        write_counts(counts, counts_to)
    elif as_json:
        by_reason = {"left_out": dict(counts.left_out), "failed": dict(counts.failed)}
        shown = {name: getattr(counts, name) for name in ("records", "events", "tombstones", "dead_letters")}
        print_json({**shown, **by_reason})
    else:
        echo(sentence(counts))


@contextmanager
def _members(topics: Sequence[str], processes: int, options: dict[str, Any]) -> "Iterator[Members | None]":
    """Provide the processes that share the work, and metrics of all of them; None: this process does it alone."""
    if processes == 1:
        yield None
        return
    from adapters.telemetry.counting import share_in
    from datasets.relaying.members import Members

    given = [*topics, "--mapping", options["mapping"], "--from", options["source"], "--group", options["group"]]
    given += [word for pair in options["from_option"] for word in ("--from-option", "=".join(pair))]
    given += ["--available-now"] if options["available_now"] else []
    with tempfile.TemporaryDirectory(prefix="millrace-relay-") as folder:
        metrics = Path(folder) / "metrics"
        metrics.mkdir()
        share_in(metrics)
        names = [f"{options['member']}-{number}" for number in range(1, processes + 1)]
        yield Members([*given, "--metrics-in", str(metrics)], names, Path(folder))
