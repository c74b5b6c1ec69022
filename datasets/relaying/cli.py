"""The command ``relay``."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.machine.stopping import until_stopped
from adapters.terminal.commands import Converted, as_json, echo, print_json, reports_errors
from adapters.terminal.reporting import reporter

if TYPE_CHECKING:
    from datasets.relaying.members import Members

FROM_OPTIONS = "MILLRACE_RELAY_FROM_OPTIONS"


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
    help="An option of librdkafka for the source's cluster, such as security.protocol=SSL. Passwords belong in "
    f"{FROM_OPTIONS}, a JSON object of such options: arguments are seen by all who see this machine's processes.",
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
    options["from_option"] = source_options(options["from_option"], options["source"], os.environ)
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


def source_options(
    given: Sequence[tuple[str, str]], source: str, environment: Mapping[str, str]
) -> dict[str, str | int | float]:
    """Return the options of the source's cluster: those of the environment, which those given replace.

    Raises: SettingsError for a variable that is no JSON object, BadInput for options without a cluster.
    """
    from schemas.errors import BadInput, SettingsError

    try:
        named = json.loads(environment.get(FROM_OPTIONS) or "{}")
    except ValueError:
        named = None
    if not isinstance(named, dict):
        raise SettingsError(f'{FROM_OPTIONS} must be a JSON object, such as {{"sasl.password": "…"}}')
    if given and not source:
        raise BadInput("--from-option is for the cluster that --from names; kafka_options are the log's own")
    return {**named, **dict(given)}


@contextmanager
def _members(topics: Sequence[str], processes: int, options: dict[str, Any]) -> "Iterator[Members | None]":
    """Provide the processes that share the work, and metrics of all of them; None: this process does it alone."""
    if processes == 1:
        yield None
        return
    from adapters.telemetry.counting import share_in
    from datasets.relaying.members import Members

    given = [*topics, "--mapping", options["mapping"], "--from", options["source"], "--group", options["group"]]
    given += ["--available-now"] if options["available_now"] else []
    with tempfile.TemporaryDirectory(prefix="millrace-relay-") as folder:
        metrics = Path(folder) / "metrics"
        metrics.mkdir()
        share_in(metrics)
        names = [f"{options['member']}-{number}" for number in range(1, processes + 1)]
        logins = {FROM_OPTIONS: json.dumps(options["from_option"])}
        yield Members([*given, "--metrics-in", str(metrics)], names, Path(folder), logins)
