"""``millrace forget``."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from adapters.machine.home import prepare_home
from adapters.records.control import open_control
from adapters.settings import load_settings
from adapters.stores.opened import batch_views, speed_views
from adapters.terminal.commands import as_json, echo, print_json, reports_errors

if TYPE_CHECKING:
    from adapters.log.forgotten import Mark
    from serving_layer.reading.views import Views


@click.command()
@click.argument("user")
@as_json
@reports_errors
def forget(user: str, as_json: bool) -> None:
    """Stop counting USER's events up to now, from the next full generation on: `millrace batch run --full`.

    Later events of the id count as those of a new user. An id without known events is marked, too, with a warning.
    docs/operations/forgetting.md says what is deleted where and when.
    """
    from adapters.broker.opening import open_log
    from adapters.log.forgotten import forget as marked
    from adapters.records.lists import forget_lists
    from serving_layer.reading.views import Views

    settings = load_settings()
    with open_log(settings) as log:
        identity = log.identity()
        rules = replace(settings.rules, partitions=identity.partitions)
        prepare_home(settings.home)
        open_control(batch_views(settings), identity, log.start_offsets(), rules)
        forget_lists(batch_views(settings), user.encode())
        mark = marked(log, rules, user, time.time_ns() // 1_000_000)
    known = trace(Views(batch_views(settings), speed_views(settings), settings.log.partitioner), mark)
    if as_json:
        print_json(vars(mark) | vars(known))
    else:
        echo(summary(mark, known))


@dataclass(frozen=True)
class Trace:
    """Whether the views know an accepted event of the user, and how many records below the mark they lack.

    None when that is unknown: before anything was published, or while a store does not answer.
    """

    known: bool | None
    unapplied: int | None


def trace(views: "Views", mark: "Mark") -> Trace:
    """Return what the views know of a marked user."""
    from serving_layer.answers.forgetting import known_of

    return Trace(**known_of(views, mark))


def summary(mark: "Mark", trace: Trace) -> str:
    """Return the result as a sentence, which warns of an unknown id: it may be mistyped."""
    then = "is forgotten when the next full generation is active: `millrace batch run --full`"
    if trace.known:
        return f"marked; the user {then}"
    if trace.known is None:
        why = "nothing is published yet, or a store does not answer"
        return f"marked; whether events of this id were accepted is unknown now: {why}. It {then}"
    covers = f", which covers {trace.unapplied:,} records of its partition that are not applied yet"
    return (
        f"no accepted event of user '{mark.user_id}' is known: is the id right? (capital letters and blanks count.) "
        f"The mark is set all the same{covers if trace.unapplied else ''}; the next full generation puts it into "
        "effect, and what this id does later counts"
    )
