"""The lookups, ``status`` and ``serve`` as commands."""

import time
from typing import TYPE_CHECKING, Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import MOMENT, WINDOW, as_json, echo, print_json, reports_errors
from adapters.terminal.identifiers import ID, IdCommand
from adapters.terminal.lists import BY, CATEGORIES, N_PER_HOUR, OFFSET_PER_HOUR
from adapters.terminal.waiting import Prefix, waits
from schemas.event import WEIGHT_SCALE
from serving_layer.looking_up import looked_up, paged

if TYPE_CHECKING:
    from serving_layer.merged.pages import Page

Answer = dict[str, Any]
_window = click.option("--window", type=WINDOW, default="24h", show_default=True, help="Whole hours: 1h, 24h, 7d.")
_as_of = click.option("--as-of", type=MOMENT, help="Event time that 'now' means; epoch ms or RFC 3339.")


@click.command(cls=IdCommand)
@click.argument("user", type=ID, required=False)
@click.option("--basket", multiple=True, type=ID, help="An item at hand, as if viewed just now; may be repeated.")
@click.option("--exclude", multiple=True, type=ID, help="An item not to list; may be repeated.")
@click.option("--include-seen", is_flag=True, help="List items that the user has seen, too.")
@waits
@as_json
@reports_errors
@paged
def recommend(
    user: bytes | None, basket: tuple[bytes, ...], exclude: tuple[bytes, ...], include_seen: bool, as_json: bool,
    prefix: Prefix, page: "Page",
) -> None:  # fmt: skip
    """What USER may like, and why; without USER, what suits a --basket. Nothing is recorded."""
    from serving_layer.answers.basket import Basket, Touch
    from serving_layer.answers.recommend import Wish, recommend_to_anybody
    from serving_layer.answers.recommend import recommend as look_up

    if user is None and not basket:
        raise click.UsageError("give a USER, or items by --basket")
    touches = [Touch(item, WEIGHT_SCALE) for item in basket]
    wish = Wish(page, exclude, include_seen, Basket(touches, load_settings().rules.history_items))
    answer, about = looked_up(
        lambda snapshot: recommend_to_anybody(snapshot, wish) if user is None else look_up(snapshot, user, wish),
        prefix, user,
    )  # fmt: skip
    if as_json:
        print_json(answer)
        return
    from serving_layer.tables import ITEM, because, number, show, text
    from serving_layer.tables import about as described

    why = [text("source", lambda row: row["source"]), because(answer["items"])]
    whose = "for this basket" if user is None else f"to {user.decode()}"
    title = f"recommended {whose}" + ("" if answer["personal"] else ": nothing is known, so what is popular")
    columns = [ITEM, number("score"), number("confidence", form=".2f"), *why, *described(about)]
    show(title, answer, answer["items"], columns)


@click.command(cls=IdCommand)
@click.argument("item", type=ID)
@BY
@waits
@as_json
@reports_errors
@paged
def similar(item: bytes, by: str, as_json: bool, prefix: Prefix, page: "Page") -> None:
    """What goes with ITEM, most similar first; by picture: what looks like it, 5 items unless -n says otherwise."""
    if by == "picture":
        from serving_layer.pictures.cli import similar_by_picture

        similar_by_picture(item, page, prefix, as_json)
        return
    from serving_layer.answers import by_words

    answer, about = looked_up(lambda snapshot: by_words.similar(snapshot, item, page, by), prefix)
    if as_json:
        print_json(answer)
        return
    from serving_layer.tables import ITEM, number, show
    from serving_layer.tables import about as described

    numbers, title = [number("score")], f"described like {item.decode()}"
    if "norm" in answer:
        numbers += [number("co_rating", "co-rating", "g"), number("norm", form="g")]
        title = f"similar to {item.decode()} (norm {answer['norm']:g}) {answer.get('missing', '')}".strip()
    show(title, answer, answer["items"], [ITEM, *numbers, *described(about)])


@click.command()
@_window
@_as_of
@waits
@as_json
@reports_errors
@paged
def trending(window: int, as_of: int | None, as_json: bool, prefix: Prefix, page: "Page") -> None:
    """What grows in the last hours, filled up with what is popular; each row says which of the two."""
    from serving_layer.answers import lookups

    answer, about = looked_up(lambda snapshot: lookups.trending(snapshot, window, as_of, page), prefix)
    if as_json:
        print_json(answer)
        return
    from core.events.timestamps import time_text
    from serving_layer.tables import ITEM, number, show
    from serving_layer.tables import about as described

    why = {"too_little_history": "too little history for a trend", "nothing_rises": "nothing rises"}
    reason = why.get(answer["basis_reason"])
    what = f"popular ({reason})" if reason else "trending"
    numbers = [number(name, form=".2f") for name in ("score", "expected", "growth", "change")]
    title = f"{what} in the {window} h to {time_text(answer['as_of'])}"
    show(title, answer, answer["items"], [ITEM, number("count", form="d"), *numbers, *described(about)])
    if "would_match" in answer:
        names = ", ".join(answer["would_match"]) or "none"
        echo(f"no item of this category has an event in this window; categories that have: {names}")


@click.command(cls=IdCommand)
@click.argument("user", type=ID)
@waits
@as_json
@reports_errors
@paged
def history(user: bytes, as_json: bool, prefix: Prefix, page: "Page") -> None:
    """The last items of USER, newest first."""
    from serving_layer.answers import lookups

    answer, about = looked_up(lambda snapshot: lookups.history(snapshot, user, page), prefix)
    if as_json:
        print_json(answer)
        return
    from serving_layer.tables import ITEM, moment, number, show
    from serving_layer.tables import about as described

    columns = [ITEM, number("rating", form="g"), moment("last_time", "last touched"), *described(about)]
    show(f"history of {user.decode()}", answer, answer["items"], columns)


@click.command(cls=IdCommand)
@click.argument("user", type=ID)
@click.argument("item", type=ID)
@waits
@as_json
@reports_errors
def explain(user: bytes, item: bytes, as_json: bool, prefix: Prefix) -> None:
    """Why ITEM is, or is not, recommended to USER."""
    from serving_layer.answers.recommend import explain as look_up

    answer, about = looked_up(lambda snapshot: look_up(snapshot, user, item), prefix, user)
    if as_json:
        print_json(answer)
        return
    from serving_layer.tables import ITEM, moment, number, show
    from serving_layer.tables import about as described

    shares = ", ".join(f"{name} {share:.3f}" for name, share in answer["sources"].items()) or "no source names it"
    seen = "; already seen, so not listed" if answer["seen"] else "" if answer["listed"] else "; hidden, so not listed"
    columns = [ITEM, number("contribution"), number("rating", form="g"), number("co_rating", "co-rating", "g")]
    title = f"{item.decode()} for {user.decode()}: score {answer['score']:.3f} ({shares}){seen}"
    show(title, answer, answer["because"], [*columns, moment("last_time", "last touched"), *described(about)])


@click.command("bucket-changes")
@_window
@_as_of
@N_PER_HOUR
@OFFSET_PER_HOUR
@CATEGORIES
@waits
@as_json
@reports_errors
def bucket_changes(window: int, as_of: int | None, as_json: bool, prefix: Prefix, **page: Any) -> None:
    """How each item's count changed from hour to hour."""
    from serving_layer.answers import lookups
    from serving_layer.merged.catalogue import Page

    answer, about = looked_up(lambda snapshot: lookups.bucket_changes(snapshot, window, as_of, Page(**page)), prefix)
    if as_json:
        print_json(answer)
        return
    from serving_layer.tables import ITEM, moment, number, show
    from serving_layer.tables import about as described

    rows = [{"bucket": hour["bucket"], **row} for hour in answer["buckets"] for row in hour["items"]]
    numbers = [number("count", form="d"), number("previous", "before", "d"), number("change", form="+.2f")]
    columns = [moment("bucket", "hour"), ITEM, *numbers, number("relative", "±%", "+.0%"), *described(about)]
    show(f"changes by hour, the last {window} h", answer, rows, columns)


@click.command()
@as_json
@reports_errors
def status(as_json: bool) -> None:
    """Generation, boundary, lag and freshness."""
    from serving_layer.answers.status import status as look_up
    from serving_layer.reading.views import open_views
    from serving_layer.refresh import running_log

    settings = load_settings()
    with open_views(settings) as views:
        answer = look_up(views, settings, running_log(settings), time.time_ns() // 1_000_000)
    if as_json:
        print_json(answer)
        return
    from serving_layer.words import in_words

    for name, text in in_words(answer):
        echo(f"{name:20} {text}")
