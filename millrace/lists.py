"""``millrace lists``: a user's own lists of items, and what they recommend."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from adapters.machine.home import prepare_home
from adapters.records.lists import change_lists, read_lists
from adapters.settings import Settings, load_settings
from adapters.stores import ViewStore
from adapters.stores.opened import batch_views
from adapters.terminal.commands import Converted, as_json, echo, print_json, reports_errors
from adapters.terminal.identifiers import ID, IdCommand
from adapters.terminal.lists import N
from core.lists.personal import LEAST_WEIGHT, MOST_WEIGHT, Change, Lists

if TYPE_CHECKING:
    from serving_layer.reading.snapshot import Snapshot


def weighed(text: str) -> tuple[str, float]:
    """Return the item and the weight of ``ITEM`` or ``ITEM=WEIGHT``. Raises ValueError."""
    item, equals, weight = text.rpartition("=")
    try:
        entry = (item, float(weight)) if equals else (text, 1.0)
    except ValueError:
        entry = (text, 1.0)  # the item's own id has the sign
    if not LEAST_WEIGHT <= entry[1] <= MOST_WEIGHT:
        raise ValueError(f"a weight is a number from {LEAST_WEIGHT:g} to {MOST_WEIGHT:g}")
    return ID.convert(entry[0], None, None).decode(), entry[1]


_item = click.option(
    "--item", "items", multiple=True, type=Converted("item", weighed), help="ITEM or ITEM=WEIGHT; may be repeated."
)


@click.group()
def lists() -> None:
    """A user's own lists of items: no events, but a profile of their own to recommend from."""


@lists.command(cls=IdCommand)
@click.argument("user", type=ID)
@click.argument("name", type=ID, required=False)
@as_json
@reports_errors
def show(user: bytes, name: bytes | None, as_json: bool) -> None:
    """Show the lists of USER, or the items of the one called NAME."""
    from serving_layer.answers.personal_lists import all_shown, one_of, shown

    known = read_lists(_store(), user)
    if name is None:
        answer = all_shown(user.decode(), known)
        lines = [f"{row['list_id']}  {row['size']} items" for row in answer["lists"]] or ["this user has no lists"]
    else:
        answer = shown(user.decode(), name.decode(), one_of(known, name.decode()))
        lines = [f"{row['item_id']}  {row['weight']:g}" for row in answer["items"]] or ["this list is empty"]
    _print(answer, lines, as_json)


@lists.command(cls=IdCommand)
@click.argument("user", type=ID)
@click.argument("name", type=ID)
@_item
@as_json
@reports_errors
def create(user: bytes, name: bytes, items: tuple[tuple[str, float], ...], as_json: bool) -> None:
    """Make a list called NAME of USER, who need not be known."""
    from serving_layer.answers.personal_lists import made

    _change(user, name, lambda known: made(known, name.decode(), Change(items=dict(items)), _now()), as_json)


@lists.command(cls=IdCommand)
@click.argument("user", type=ID)
@click.argument("name", type=ID)
@_item
@click.option("--remove", multiple=True, type=ID, help="An item to take off; may be repeated.")
@as_json
@reports_errors
def change(
    user: bytes, name: bytes, items: tuple[tuple[str, float], ...], remove: tuple[bytes, ...], as_json: bool
) -> None:
    """Add items to a list, weigh them anew, or take some off."""
    from serving_layer.answers.personal_lists import changed

    wanted = Change(add=dict(items), remove=[item.decode() for item in remove])
    _change(user, name, lambda known: changed(known, name.decode(), wanted, _now()), as_json)


@lists.command(cls=IdCommand)
@click.argument("user", type=ID)
@click.argument("name", type=ID)
@as_json
@reports_errors
def delete(user: bytes, name: bytes, as_json: bool) -> None:
    """Delete a list."""
    from serving_layer.answers.personal_lists import all_shown, without

    left = change_lists(_store(), user, lambda known: without(known, name.decode()))
    _print(all_shown(user.decode(), left), [f"deleted; {len(left)} lists are left"], as_json)


@lists.command(cls=IdCommand)
@click.argument("user", type=ID)
@click.argument("name", type=ID)
@N
@click.option("--include-seen", is_flag=True, help="List items that the user has seen, too.")
@as_json
@reports_errors
def recommend(user: bytes, name: bytes, n: int, include_seen: bool, as_json: bool) -> None:
    """What suits a list by its items' words, by their pictures, and by what users did with them, side by side."""
    from serving_layer.answers.personal_lists import Named, one_of, recommended
    from serving_layer.answers.recommend import Wish
    from serving_layer.merged.catalogue import Page
    from serving_layer.pictures.eye import Eye
    from serving_layer.pictures.lists import by_pictures
    from serving_layer.reading.answering import answer
    from serving_layer.reading.views import open_views
    from serving_layer.refresh import refresh_catalogue

    settings = load_settings()
    with open_views(settings) as views:
        named = Named(user, name.decode(), one_of(read_lists(views.batch, user), name.decode()).items)
        refresh_catalogue(settings, views, _now())

        def compute(snapshot: "Snapshot") -> dict[str, Any]:
            wish = Wish(Page(n), include_seen=include_seen)
            return recommended(snapshot, named, wish, settings.rules.history_items, by_pictures(Eye(settings)))

        suited = answer(views, compute)
    if as_json:
        print_json(suited)
        return
    from serving_layer.tables import ITEM, because, number, show

    for by in ("words", "pictures", "behaviour"):
        rows = suited[f"by_{by}"]
        show(f"{name.decode()} of {user.decode()}, by {by}", suited, rows, [ITEM, number("score"), because(rows)])
    for why in ("missing", "missing_by_pictures"):
        if why in suited:
            echo(suited[why])


def _change(user: bytes, name: bytes, wanted: Callable[[Lists], Lists], as_json: bool) -> None:
    from serving_layer.answers.personal_lists import shown

    own = change_lists(_store(), user, wanted)[name.decode()]
    _print(shown(user.decode(), name.decode(), own), [f"{name.decode()} has {len(own.items)} items"], as_json)


def _print(answer: dict[str, Any], lines: list[str], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    for line in lines:
        echo(line)


def _store() -> ViewStore:
    settings: Settings = load_settings()
    prepare_home(settings.home)
    return batch_views(settings)


def _now() -> int:
    return time.time_ns() // 1_000_000
