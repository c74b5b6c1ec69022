"""What the commands of lookups share: the options that choose a part of a list, and an answer with what it names."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from adapters.settings import load_settings
from adapters.terminal.lists import FILTERS, OFFSET, N
from adapters.terminal.waiting import Prefix

Answer = dict[str, Any]


def paged(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with the options that choose a part of a list; it takes them as ``page``."""

    @wraps(command)
    def run(
        n: int, offset: int, category: frozenset[str] | None, brand: tuple[str, ...], tag: tuple[str, ...],
        region: tuple[str, ...], min_price: float | None, max_price: float | None, **given: Any,
    ) -> Any:  # fmt: skip
        from serving_layer.merged.pages import Page, attributes_of

        wanted = attributes_of(brand, tag, region, min_price, max_price)
        return command(page=Page(n, offset, category, wanted), **given)

    for option in reversed((N, OFFSET, *FILTERS)):
        run = option(run)
    return run


def looked_up(
    compute: Callable[[Any], Answer], prefix: Prefix, user: bytes | None = None
) -> tuple[Answer, dict[str, Any]]:
    """Return an answer and, of the same snapshot, what is known of the items that it names.

    Args: user: who is asked about, as an experiment may serve another generation.
    """
    from serving_layer.merged.catalogue import describe
    from serving_layer.reading.at_least import AtLeast, answer_at_least
    from serving_layer.reading.views import open_views
    from serving_layer.refresh import refresh_catalogue

    def both(snapshot: Any) -> tuple[Answer, dict[str, Any]]:
        body = compute(snapshot)
        parts = [body.get("items", []), body.get("because", []), *(hour["items"] for hour in body.get("buckets", []))]
        names = list(dict.fromkeys(row["item_id"].encode() for part in parts for row in part))
        return body, {name.decode(): about for name, about in describe(snapshot, names).items()}

    settings = load_settings()
    with open_views(settings) as views:
        refresh_catalogue(settings, views, time.time_ns() // 1_000_000)
        own = views if user is None else views.of_user(user)
        return answer_at_least(own, AtLeast(*prefix), both)
