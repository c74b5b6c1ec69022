"""The options of commands that list items: how many, from where, and which may be among them."""

from functools import partial

import click

from adapters.terminal.commands import CATEGORY, LABEL, MOST_ROWS
from adapters.terminal.numbers import Number

_count = partial(click.option, type=click.IntRange(1, MOST_ROWS), default=10, show_default=True)
_skip = partial(click.option, type=click.IntRange(0, MOST_ROWS), default=0)
_label = partial(click.option, type=LABEL, multiple=True)
_price = partial(click.option, type=Number(0))

N, OFFSET = _count("-n", help="How many to list."), _skip("--offset", help="Skip this many first.")
N_PER_HOUR = _count("-n", help="How many to list per hour.")
OFFSET_PER_HOUR = _skip("--offset", help="Skip this many per hour first.")
CATEGORIES = click.option(
    "--category", type=CATEGORY, multiple=True, callback=lambda *given: frozenset(given[-1]) or None,
    help="Only items of this category; repeated: of any of them.",
)  # fmt: skip
FILTERS = (
    CATEGORIES,
    _label("--brand", help="Only of this brand, by the items' records; repeated: of any."),
    _label("--tag", help="Only with this tag; repeated: with any."),
    _label("--region", help="Only what is there; items without regions are everywhere."),
    _price("--min-price", help="Of this price or more."),
    _price("--max-price", help="Of this price or less."),
)
BY = click.option(
    "--by", type=click.Choice(("behaviour", "words", "picture")), default="behaviour", show_default=True,
    help="What makes items similar: what users do with them, their words, or their pictures.",
)  # fmt: skip
