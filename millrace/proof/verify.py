"""``millrace verify``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from adapters.terminal.reporting import reporter

if TYPE_CHECKING:
    from serving_layer.proof.report import Report


@click.command()
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="K",
    help="Compare only K items with all their sums, and the users who touched them.",
)
@click.option("--progress", type=click.Path(path_type=Path), hidden=True, help="A file that says how far it is.")
@as_json
@reports_errors
def verify(sample: int | None, progress: Path | None, as_json: bool) -> None:
    """Recompute the log by an independent slow path, compare every merged view exactly, exit 1 on any mismatch.

    It compares norms, pairs, hourly counts and what they leave out, histories, seen sets, item categories, activity,
    duplicates and facts.
    """
    from adapters.broker.opening import open_log
    from adapters.engine.session import open_session
    from millrace.proof.proving import prove
    from millrace.proof.watched import Watched

    settings, say = load_settings(), reporter("verify")
    with Watched(progress, say) as watched, open_log(settings) as log:
        spark = open_session(settings, "millrace verify")
        report = watched.ended(prove(spark, log, settings, watched.say, sample, watched.reached))
    if as_json:
        print_json(report.as_json())
    else:
        click.echo(f"compared {report.sums:,} values of {report.events:,} events: {_sizes(report)}")
        click.echo(f"mismatches: {report.mismatches:,}")
        for example in report.examples or []:
            echo(f"  {example}")
    if not report.proved:
        raise click.exceptions.Exit(1)


def _sizes(report: "Report") -> str:
    """Return the number of compared values of each kind."""
    sizes = {"users": report.users, "items": report.items, "pairs": report.pairs, "hourly counts": report.counts}
    sizes |= {"histories": report.histories, "words of seen sets": report.seen, "item categories": report.categories}
    sizes |= {"counters of activity": report.activity, "hours of active users": report.active_users}
    sizes |= {"duplicates": report.duplicates, "excess": report.excess, "facts": report.facts}
    return ", ".join(f"{size:,} {name}" for name, size in sizes.items())
