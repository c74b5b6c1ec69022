"""``millrace watch``: the figures of the page's overview in the terminal, until Ctrl-C."""

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, reports_errors
from adapters.terminal.numbers import Number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from adapters.settings import Settings

Frame = dict[str, Any]
NONE = "-"


@click.command()
@click.option("--every", type=Number(0.2, 60), default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--times", type=click.IntRange(1), metavar="N", help="End after N looks.")
@click.option("-n", type=click.IntRange(1, 50), default=10, show_default=True, help="How many trending items to list.")
@as_json
@reports_errors
def watch(every: float, times: int | None, n: int, as_json: bool) -> None:
    """Rates, freshness, lag and what trends, live; with --json one object per line."""
    frames = itertools.islice(_frames(load_settings(), n, every), times)
    if as_json:
        for frame in frames:
            click.echo(json.dumps(frame))
        return
    from rich.live import Live

    from adapters.terminal.console import console

    screen = console()
    with Live(console=screen, auto_refresh=False) if screen.is_terminal else nullcontext() as live:
        for frame in frames:
            drawn = _drawn(frame)
            if live is None:
                screen.print(drawn)
            else:
                live.update(drawn, refresh=True)


def _frames(settings: "Settings", rows: int, every: float) -> Iterator[Frame]:
    """Yield the state now, and again after each pause."""
    from serving_layer.answers.lookups import trending
    from serving_layer.answers.status import status
    from serving_layer.live.samples import Sample, Samples
    from serving_layer.merged.catalogue import Page
    from serving_layer.reading.answering import answer
    from serving_layer.reading.views import open_views
    from serving_layer.refresh import running_log

    samples = Samples()
    with open_views(settings) as views:
        log = running_log(settings)
        while True:
            now_ms = time.time_ns() // 1_000_000
            state = status(views, settings, log, now_ms)
            samples.add(Sample.of(state, now_ms / 1000))
            trends = answer(views, lambda snapshot: trending(snapshot, 24, None, Page(rows)))
            yield {"at": now_ms, "figures": asdict(samples.figures()), "status": state, "trending": trends}
            time.sleep(every)


def _drawn(frame: Frame) -> "RenderableType":
    from rich.console import Group

    from adapters.terminal.console import styled
    from core.events.timestamps import time_text

    status, figures = frame["status"], frame["figures"]
    lines = [styled(f"Millrace at {time_text(frame['at'])}", "bold"), *map(styled, _figures(status, figures))]
    lines += [styled(f"! {text}", "yellow") for text in status["messages"]]
    trends = frame["trending"]
    lines += [styled(""), styled(f"{'trending' if trends['basis'] == 'trend' else 'popular'} in the last day", "bold")]
    lines += [styled(_row(place, row)) for place, row in enumerate(trends["items"], 1)] or [styled("nothing")]
    return Group(*lines)


def _figures(status: dict[str, Any], figures: dict[str, Any]) -> Iterator[str]:
    def shown(name: str, unit: str) -> str:
        return NONE if figures[name] is None else f"{figures[name]:,.1f} {unit}"

    drained = "" if figures["drained_in_seconds"] is None else f", drained in {shown('drained_in_seconds', 's')}"
    lag = NONE if status["lag_events"] is None else f"{status['lag_events']:,}"
    yield f"events      {shown('applied_per_second', '/s')} applied, {shown('arriving_per_second', '/s')} arriving"
    yield f"freshness   p50 {shown('age_p50', 's')}, p95 {shown('age_p95', 's')}"
    yield f"lag         {lag} events, changing by {shown('lag_slope', '/s')}{drained}"
    yield f"counted     {status['events']:,} events, {status['rejected']:,} rejected"
    yield f"serves      {status['generation'] or 'no generation'} + segment {status['segment']}"
    if status["degraded"]:
        yield f"WITHOUT     {' and '.join(status['degraded'])}"


def _row(place: int, row: dict[str, Any]) -> str:
    expected = "" if row["expected"] is None else f" where {row['expected']:.1f} were expected"
    return f"{place:>3}  {row['item_id']:<24} {row['count']:>6,} events{expected}"
