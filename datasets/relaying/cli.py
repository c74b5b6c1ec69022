"""The command ``relay``."""

from typing import Any

import click

from adapters.machine.stopping import until_stopped
from adapters.terminal.commands import Converted, as_json, echo, print_json, reports_errors
from adapters.terminal.reporting import reporter


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
@click.option("--available-now", is_flag=True, help="Relay what the topics hold now, then end.")
@as_json
@reports_errors
def relay(topics: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Turn records of source topics, of any shape and however keyed, into events, until Ctrl-C or SIGTERM.

    Offsets are committed only after the broker has acknowledged the events. A record that cannot be read goes to the
    topic relay-dlt with its bytes and the reason; that topic can be relayed again by a better mapping. Events without
    an id are named after their record's place, so that what a crash repeats counts once. Its metrics are shown at
    [metrics] port.
    """
    from adapters.broker.opening import open_log
    from adapters.settings import load_settings
    from adapters.telemetry.endpoint import shown_at
    from datasets.relaying.opened import opened_relay
    from datasets.relaying.relay import sentence

    settings, say = load_settings(), reporter("relay")
    with shown_at(settings.metrics.host, settings.metrics.port), open_log(settings) as log:
        job = opened_relay(settings, log, topics, options, say)
        with until_stopped(job.stop):
            counts = job.run()
            say("stopped" if job.stopping.is_set() else "done")
    if as_json:
        by_reason = {"left_out": dict(counts.left_out), "failed": dict(counts.failed)}
        shown = {name: getattr(counts, name) for name in ("records", "events", "tombstones", "dead_letters")}
        print_json({**shown, **by_reason})
    else:
        echo(sentence(counts))
