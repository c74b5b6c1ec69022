"""``millrace evaluate``: how good the rankings are on your own events."""

from pathlib import Path
from typing import Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, print_json, reports_errors
from adapters.terminal.progress import waiting
from core.settings.units import milliseconds
from millrace.judging.asked_for import Asking
from schemas.errors import SettingsError


def _duration(context: click.Context, parameter: click.Parameter, given: str | None) -> int | None:
    """Return the option's milliseconds."""
    try:
        return None if given is None else milliseconds(given)
    except SettingsError as error:
        raise click.BadParameter(str(error), context, parameter) from error


PROTOCOLS = (
    "time",
    "per-user",
    "walk",
    "cold",
    "ncf",
)  # those of ``batch_layer.learning.splits``, which takes long to import


@click.command()
@click.option("--events", type=click.Path(exists=True, path_type=Path), help="Judge a JSONL file, not the lake.")
@click.option(
    "--items", type=click.Path(exists=True, path_type=Path), help="Catalogue records of that file's items, JSONL."
)
@click.option("--protocol", type=click.Choice(PROTOCOLS), default="time", show_default=True, help="See above.")
@click.option(
    "--seen",
    type=click.Choice(("excluded", "included")),
    default="excluded",
    show_default=True,
    help="Whether items that a user has touched may be listed, and count when they are touched again.",
)
@click.option("--all", "every_source", is_flag=True, help="Judge the sources that are turned off as well.")
@click.option(
    "--regime", "regimes", type=click.Choice(("live", "retrained", "frozen")), multiple=True,
    help="walk: which regimes.  [default: all three]",
)  # fmt: skip
@click.option("--every", callback=_duration, help="walk: time between two generations, e.g. 4d; 0s: only the first.")
@click.option("--late", callback=_duration, help="walk: a fourth regime, live but so late, e.g. 60s.")
@click.option("--most", type=click.IntRange(1), default=10_000, show_default=True, help="walk: events asked about.")
@as_json
@reports_errors
def evaluate(events: Path | None, as_json: bool, **asked: Any) -> None:
    """Measure how well each source and their blend rank: NDCG, recall, hits, ranks and coverage, with 95 % intervals.

    \b
    time      models learn from the first four fifths of the events and are judged on the rest
    per-user  the same with each user's own first four fifths; nothing is forecast
    walk      the last fifth is lived through by the product itself, event by event: before each
              new item of a known user, what would have been recommended? Live: each event counts
              at once, and a generation is made every so often; retrained: events count from the
              next generation on; frozen: nothing later counts
    cold      new items: a tenth of the items, 500 at most, lose all events and are ranked by what
              they are; new users: of a fifth of them the first 0, 1, 2, 3, 5 events are known
    ncf       each user's last event is ranked among 99 items drawn of those not seen, as in the
              paper of NeuMF; its figures are comparable with no other protocol's

    Of a split those users are judged who have events before the cut and touch something known after it; three plain
    models with known figures are judged too. The lake is read up to the active generation's boundary; beyond
    `evaluation_events` a sample of users is taken.
    """
    from millrace.judging.asking import judge
    from millrace.judging.tables import show

    with waiting("fitting and judging the models"):
        report = judge(load_settings(), events, Asking(**asked))
    if as_json:
        print_json(report)
    else:
        show(report)
