"""``millrace report``: the trends, insights and quality of a range as one HTML file for a mail."""

import time
from pathlib import Path
from typing import Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import CATEGORY, MOMENT, as_json, echo, print_json, reports_errors
from adapters.terminal.waiting import Prefix, waits
from schemas.errors import BadInput


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The HTML file to write.")
@click.option(
    "--category", type=CATEGORY, multiple=True, help="Only events of this category; repeated: of any of them."
)
@click.option(
    "--from", "first", type=MOMENT, help="Where the range begins: epoch ms or RFC 3339; default: 28 days ago."
)
@click.option("--to", "end", type=MOMENT, help="Where it ends.")
@click.option("--time-zone", "--zone", "zone", help="Of times and of best-time, such as Europe/Berlin; default: UTC.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@waits
@as_json
@reports_errors
def report(out: Path, category: tuple[str, ...], force: bool, as_json: bool, prefix: Prefix, **given: Any) -> None:
    """One HTML file for a mail: what trends, the insights, quality, freshness, a map of items.

    It has no script and asks nothing of any server; all of its figures are of one moment.
    """
    if out.exists() and not force:
        raise BadInput(f"{out} is there already: name another file, or replace it by --force")
    from datasets.files.output import replacing
    from millrace.report.document import document

    made = _made(frozenset(category), prefix, given)
    body = document(made).encode()
    with replacing(out) as file:
        file.write(body)
    span = made.gathered.hours
    written = {"file": str(out), "bytes": len(body), **span, "generation": made.gathered.header["generation"]}
    if as_json:
        print_json(written)
    else:
        echo(f"wrote {out} ({len(body):,} bytes): {made.clock.minute(span['from'])} to {made.clock.minute(span['to'])}")


def _made(categories: frozenset[str], prefix: Prefix, given: dict[str, Any]) -> Any:
    """Return the report of this home. Raises NotReady: nothing is counted yet."""
    from millrace.report.document import Report
    from millrace.report.freshness import distributions, recorded
    from millrace.report.gathering import gather
    from millrace.report.words import Clock
    from serving_layer.answers.generations import generations
    from serving_layer.insights.asked import Asked, zone_of
    from serving_layer.reading.at_least import AtLeast, answer_at_least
    from serving_layer.reading.views import open_views
    from serving_layer.refresh import refresh_catalogue

    settings, now_ms = load_settings(), time.time_ns() // 1_000_000
    clock, asked = Clock(*zone_of(given["zone"])), Asked(categories, **given)
    with open_views(settings) as views:
        refresh_catalogue(settings, views, now_ms)
        gathered = answer_at_least(views, AtLeast(*prefix), lambda snapshot: gather(snapshot, asked, settings.rules))
        kept = generations(views)
    known = [*recorded(gathered.delays), *distributions(settings.home)]
    return Report(gathered, kept, known, now_ms, clock)
