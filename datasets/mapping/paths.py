"""Where a value stands in a record: ``order.customer.id``, ``lines[0].sku``, ``params[key=page].value``."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.errors import BadInput

Read = Callable[[Any], Any]  # returns None where there is no such value
_STEP = re.compile(r'"(?P<quoted>[^"]+)"|(?P<name>[^.\[\]"]+)|\[(?P<place>-?\d+)\]|\[(?P<key>[^\]=]+)=(?P<is>[^\]]*)\]')


class Entry(NamedTuple):
    """Selects the object of an array whose member ``key`` is the text ``value``."""

    key: str
    value: str


Step = str | int | Entry


def parse_path(text: str) -> tuple[Step, ...]:
    """Return the steps of a path; a name with dots or brackets stands in double quotes.

    >>> parse_path('a."b.c"[0].d[k=v]')
    ('a', 'b.c', 0, 'd', Entry(key='k', value='v'))

    Raises: BadInput when the text is no path.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise BadInput(f"{text!r} is no path at {text[at:]!r}: write names with dots, [0] or [name=value]")
        steps.append(_step(match))
        at = match.end()
        if text[at : at + 1] == "." and at + 1 < len(text):
            at += 1
        elif at < len(text) and text[at] != "[":
            raise BadInput(f"{text!r} is no path at {text[at:]!r}: write names with dots, [0] or [name=value]")
    return tuple(steps)


def _step(match: "re.Match[str]") -> Step:
    if match["place"] is not None:
        return int(match["place"])
    if match["key"] is not None:
        return Entry(match["key"], match["is"])
    return match["quoted"] or match["name"]


def reader(steps: tuple[Step, ...]) -> Read:
    """Return a function that reads the value which those steps lead to."""
    if not steps:
        return lambda value: value
    first, rest = steps[0], steps[1:]
    read = _member(first) if isinstance(first, str) else _place(first) if isinstance(first, int) else _entry(first)
    if not rest:
        return read
    then = reader(rest)
    return lambda value: then(read(value))


def _member(name: str) -> Read:
    return lambda value: value.get(name) if isinstance(value, dict) else None


def _place(place: int) -> Read:
    def read(value: Any) -> Any:
        return value[place] if isinstance(value, list) and -len(value) <= place < len(value) else None

    return read


def _entry(wanted: Entry) -> Read:
    key, text = wanted

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        return next((entry for entry in value if isinstance(entry, dict) and str(entry.get(key)) == text), None)

    return read
