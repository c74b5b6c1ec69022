"""``millrace forget``."""

import time
from dataclasses import replace

import click

from adapters.commands import as_json, print_json, reports_errors
from adapters.home import prepare_home
from adapters.opened import batch_views
from adapters.records import open_control
from adapters.settings import load_settings


@click.command()
@click.argument("user")
@as_json
@reports_errors
def forget(user: str, as_json: bool) -> None:
    """Let USER's events up to now count no longer, from the next full generation on: `millrace batch run --full`.

    What the user does later counts as a new user's. docs/operations.md tells what is deleted where and when.
    """
    from adapters.forgotten import forget as marked
    from adapters.opening import open_log

    settings = load_settings()
    with open_log(settings) as log:
        identity = log.identity()
        rules = replace(settings.rules, partitions=identity.partitions)
        prepare_home(settings.home)
        open_control(batch_views(settings), identity, log.start_offsets(), rules)
        mark = marked(log, rules, user, time.time_ns() // 1_000_000)
    if as_json:
        print_json(vars(mark))
    else:
        click.echo("marked; the user is forgotten when the next full generation is active: `millrace batch run --full`")
