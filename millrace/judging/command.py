"""``millrace evaluate``: how good the rankings are on your own events."""

from pathlib import Path
from typing import Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, print_json, reports_errors
from adapters.terminal.progress import waiting

PROTOCOLS = ("time", "per-user", "walk")  # those of ``batch_layer.learning.splits``, which takes long to import


@click.command()
@click.option("--events", type=click.Path(exists=True, path_type=Path), help="Judge a JSONL file, not the lake.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), default="time", show_default=True, help="See above.")
@click.option(
    "--seen",
    type=click.Choice(("excluded", "included")),
    default="excluded",
    show_default=True,
    help="Whether items that a user has touched may be listed, and count when they are touched again.",
)
@click.option("--all", "every_source", is_flag=True, help="Judge the sources that are turned off as well.")
@as_json
@reports_errors
def evaluate(events: Path | None, protocol: str, seen: str, every_source: bool, as_json: bool) -> None:
    """How good each source and their blend rank: NDCG, recall, hits, ranks and coverage, with 95 % intervals.

    \b
    time      models learn from the first four fifths of the events and are judged on the rest
    per-user  the same with each user's own first four fifths; nothing is forecast

    Users are judged who have events before the cut and touch something known after it. Three plain models with known
    figures are judged too. The lake is read up to the active generation's boundary; beyond `evaluation_events` a sample
    of users is taken.
    """
    from batch_layer.learning.evaluation import Question, evaluate, in_time_order
    from millrace.judging.events import in_file, in_lake
    from millrace.judging.tables import show

    settings = load_settings()
    rows = in_lake(settings) if events is None else in_file(events, settings.rules)
    question = Question(
        settings.rules, settings.recommender_settings, settings.reading.shrinkage, protocol=protocol, seen=seen,
        every_source=every_source, confidence=True,
    )  # fmt: skip
    with waiting("fitting and judging the models"):
        report: dict[str, Any] = evaluate(in_time_order(rows)[0], question)
    if as_json:
        print_json(report)
    else:
        show(report)
