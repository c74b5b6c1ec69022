"""``millrace alias``."""

import uuid

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, print_json, reports_errors


@click.command()
@click.argument("anonymous")
@click.argument("user")
@as_json
@reports_errors
def alias(anonymous: str, user: str, as_json: bool) -> None:
    """Give the history of ANONYMOUS to USER, who has logged in; safe to repeat.

    docs/operations/catalogue-and-users.md says what moves and what does not.
    """
    from adapters.broker.opening import open_log
    from serving_layer.answers.aliases import move_history
    from serving_layer.reading.views import open_views

    settings = load_settings()
    with open_views(settings) as views, open_log(settings) as log:
        appender = log.appender(settings.log.partitioner)
        answer = move_history(views, log, appender, settings.rules, anonymous, user, lambda: uuid.uuid4().hex)
    if as_json:
        print_json(answer)
    elif answer["moved"]:
        click.echo(f"moved {answer['moved']} items; they count within seconds if a speed layer runs")
    else:
        click.echo("this history is empty, or no longer has items, so nothing was moved")
