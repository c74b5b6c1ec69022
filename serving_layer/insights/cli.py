"""The command ``insights``."""

from typing import Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import CATEGORY, MOMENT, as_json, echo, print_json, reports_errors
from adapters.terminal.waiting import Prefix, waits
from core.insights.table import INSIGHTS


@click.command(epilog="  ".join(f"{insight.name}: {insight.about}." for insight in INSIGHTS.values()))
@click.argument("name", type=click.Choice(list(INSIGHTS)))
@click.option(
    "--category", type=CATEGORY, multiple=True, help="Only events of this category; repeated: of any of them."
)
@click.option("--from", "first", type=MOMENT, help="Where the range begins: epoch ms or RFC 3339.")
@click.option("--to", "end", type=MOMENT, help="Where it ends.")
@click.option("--zone", help="Time zone of best-time, such as Europe/Berlin; default: UTC.")
@waits
@as_json
@reports_errors
def insights(name: str, category: tuple[str, ...], as_json: bool, prefix: Prefix, **given: Any) -> None:
    """What the events say: NAME is an insight (docs/insights.md)."""
    import time

    from serving_layer.insights.answer import insight
    from serving_layer.insights.asked import Asked
    from serving_layer.reading.at_least import AtLeast, answer_at_least
    from serving_layer.reading.views import open_views
    from serving_layer.refresh import refresh_catalogue

    settings = load_settings()
    asked = Asked(frozenset(category), **given)
    with open_views(settings) as views:
        refresh_catalogue(settings, views, time.time_ns() // 1_000_000)
        answer = answer_at_least(
            views, AtLeast(*prefix), lambda snapshot: insight(snapshot, name, asked, settings.rules)
        )
    if as_json:
        print_json(answer)
        return
    from serving_layer.insights.tables import show_insight

    echo(answer["says"])
    show_insight(answer)
