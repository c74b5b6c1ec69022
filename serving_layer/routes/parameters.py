"""Parameters of requests: their types and limits, and the sentence about one that does not exist."""

from difflib import get_close_matches
from typing import Annotated, Literal
from urllib.parse import parse_qsl, unquote_to_bytes

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator, Field

from adapters.terminal.commands import category_name
from core.events.fields import MAX_ID, MAX_TEXT, identifier

MAX_N = 1_000
MAX_EXCLUDED = 10_000
MAX_CATEGORIES = 100
ID_RULE = f"an id has 1 to {MAX_ID} characters of UTF-8, none of them a control character"
MAX_ITEMS = 100  # of a basket, or that others shall go with
MAX_USERS = 100  # of one request
REPEATABLE = ("category", "exclude", "brand", "tag", "region", "item")


def path_id(part: str) -> str:
    """Return the id in a percent-encoded part of a path. Raises ValueError for what cannot be one."""
    try:
        return item_id(unquote_to_bytes(part.encode("latin-1")).decode())
    except UnicodeError:
        raise ValueError(ID_RULE) from None


def item_id(text: str) -> str:
    """Return the text if it can be an id. Raises ValueError for what cannot be one."""
    if identifier(text) is None:
        raise ValueError(ID_RULE)
    return text


def _whole(given: object) -> object:
    """Return a JSON number without a fraction as an integer, however it is written."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


Whole = Annotated[int, BeforeValidator(_whole)]
PathId = Annotated[
    str, AfterValidator(path_id), Field(description="Percent-encoded; an encoded slash is part of the id.")
]
ListedId = Annotated[str, AfterValidator(item_id)]
Category = Annotated[str, AfterValidator(category_name)]
Label = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]

N = Annotated[int, Query(ge=1, le=MAX_N, description="How many to list.")]
Offset = Annotated[int, Query(ge=0, description="Leave out this many first.")]
Categories = Annotated[
    list[Category] | None,
    Query(alias="category", max_length=MAX_CATEGORIES, description="Only items of this category; repeated: of any."),
]
Exclude = Annotated[list[ListedId] | None, Query(description="An item not to list; may be repeated.")]
ManyItems = Annotated[
    list[ListedId], Query(min_length=1, max_length=MAX_ITEMS, description="An item; repeated: all of them together.")
]
IncludeSeen = Annotated[bool, Query(description="List items that the user has seen, too: true or false.")]
By = Annotated[
    Literal["behaviour", "words", "picture"],
    Query(description="What makes items similar: what users do with them, their words, their pictures (then n is 5)."),
]
Window = Annotated[
    str,
    Query(
        description="Whole hours: 1h, 24h, 7d.",
        json_schema_extra={"pattern": "^[1-9][0-9]{0,2}h$|^([1-9]|[12][0-9]|3[0-5])d$"},
    ),
]
AsOf = Annotated[str | None, Query(description="Event time that 'now' means; epoch ms or RFC 3339.")]


AtLeastText = Annotated[
    str | None,
    Query(
        description="Answer once the views hold these offsets: what POST /interactions returned, as in 2:1841,3:7.",
        json_schema_extra={"pattern": r"^[0-9]{1,18}:[0-9]{1,18}(,[0-9]{1,18}:[0-9]{1,18})*$"},
    ),
]
Wait = Annotated[
    str | None,
    Query(
        description="How long to wait for them: 0 to 10s, by default 2s; then 503.",
        json_schema_extra={"pattern": "^([0-9]|10)s?$|^[0-9]{1,4}ms$"},
    ),
]


def unknown_name(name: str, known: list[str], what: str) -> str:
    """Return the sentence that refuses a name, with the nearest known one or all of them."""
    near = get_close_matches(name, known, 1)
    if near:
        return f"unknown {what} {name!r}: did you mean {near[0]!r}?"
    return f"unknown {what} {name!r}: " + (f"known are {', '.join(known)}" if known else "there are none here")


def wrong_query(query: bytes, known: list[str]) -> str | None:
    """Return what is wrong with the names of a query string, as a sentence; None when nothing is."""
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        return "the query is not percent-encoded UTF-8"
    names = [name for name, _ in pairs]
    for name in names:
        if name not in known:
            return unknown_name(name, known, "query parameter")
        if name not in REPEATABLE and names.count(name) > 1:
            return f"query parameter {name!r} is given {names.count(name)} times: give it once"
    return None
