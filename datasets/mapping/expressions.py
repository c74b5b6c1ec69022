"""The expressions of a mapping: a value from a path, a constant, the first of several or several joined, then changed.

What may change it is a closed set: ``CHANGES``. An expression is a text, which is a path, or a table with one of
``path``, ``const``, ``first`` and ``join``, and any of the changes, which apply in the order of ``CHANGES``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from core.settings.nearest import nearest
from datasets.fields.acceptance import NULL_WORDS, Dropped
from datasets.mapping.part_types import require_types
from datasets.mapping.paths import parse_path, reader
from datasets.mapping.values import Time, as_text, days_after, start_of
from schemas.errors import BadInput

# Reads a value of (record, entry, about); entry: of the array ``each``, else the record itself.
Expression = Callable[[Any, Any, Mapping[str, Any]], Any]
Change = Callable[[Any], Any]  # of a value that is there
SOURCES = ("path", "const", "first", "join")
ABOUT = ("topic", "partition", "offset", "timestamp", "key", "time", "op", "file")  # a path ``$topic``
ENTRY, ABOUT_MARK = "@", "$"
_WHOLE = re.compile(r"\d+\.0")


class Form(NamedTuple):
    """How records are: ``flat`` ones are rows, whose columns' names are whole paths; ``null`` words are nothing."""

    flat: bool = False
    null: frozenset[str] = NULL_WORDS


def compiled(given: Any, field: str, form: Form) -> Expression:
    """Return the expression as a function.

    Args:
        field: for messages.
    Raises: BadInput names the field and what is wrong with it.
    """
    table = {"path": given} if isinstance(given, str) else given
    if not isinstance(table, dict):
        raise BadInput(f"{field} must be a path or a table such as {{ path = … }}, not {given!r}")
    for name in table:
        if name not in (*SOURCES, *CHANGES, *_BESIDE):
            raise BadInput(f"{field} has an unknown part {name!r}: {nearest(name, (*SOURCES, *CHANGES))}")
    require_types(table, field)
    sources = [name for name in SOURCES if name in table]
    if len(sources) != 1:
        raise BadInput(f"{field} needs one of {', '.join(SOURCES)}, and has {', '.join(sources) or 'none'}")
    read = _SOURCES[sources[0]](table, field, form)
    for name, change in CHANGES.items():
        if name in table:
            read = _changed(read, change(table, field))
    return read


def paths_of(given: Any) -> Iterator[tuple[str, bool]]:
    """Yield the paths that an expression reads, and whether it cannot do without."""
    if isinstance(given, str):
        yield given, True
    elif isinstance(given, dict):
        if isinstance(given.get("path"), str):
            yield given["path"], True
        for part in given.get("join", ()):
            yield from paths_of(part)
        for part in given.get("first", ()):
            yield from ((path, False) for path, _ in paths_of(part))


def _changed(read: Expression, change: Change) -> Expression:
    def changed(record: Any, entry: Any, about: Mapping[str, Any]) -> Any:
        value = read(record, entry, about)
        return None if value is None else change(value)

    return changed


def _path(table: dict[str, Any], field: str, form: Form) -> Expression:
    path = table["path"]
    if not isinstance(path, str) or not path:
        raise BadInput(f"{field}: a path is a text such as order.customer.id, not {path!r}")
    if path.startswith(ABOUT_MARK):
        name = path[1:]
        if name not in ABOUT and not name.startswith("header."):
            raise BadInput(f"{field}: {path} is unknown: {nearest(name, ABOUT)}")
        return lambda record, entry, about: about.get(name)
    of_entry = path == ENTRY or path.startswith(f"{ENTRY}.")
    rest = path[2:] if of_entry else path
    if not of_entry and (form.flat or parse_path(rest) == (rest,)):  # a record is an object
        return lambda record, entry, about: record.get(rest)
    read = reader((rest,) if rest else ()) if form.flat else _named_or_path(rest)
    if of_entry:
        return lambda record, entry, about: read(entry)
    return lambda record, entry, about: read(record)


def _named_or_path(path: str) -> Callable[[Any], Any]:
    """Return a reader of a path; a member that is named as the whole path comes first, as columns may have dots."""
    steps = parse_path(path)
    read = reader(steps)
    if len(steps) < 2:
        return read
    if len(steps) == 2 and all(isinstance(step, str) for step in steps):
        first, second = steps

        def member(value: Any) -> Any:
            """Return what the general reader below does, in one call."""
            if not isinstance(value, dict):
                return None
            if path in value:
                return value[path]
            inner = value.get(first)
            return inner.get(second) if isinstance(inner, dict) else None

        return member
    return lambda value: value[path] if isinstance(value, dict) and path in value else read(value)


def _const(table: dict[str, Any], field: str, form: Form) -> Expression:
    value = table["const"]
    return lambda record, entry, about: value


def _first(table: dict[str, Any], field: str, form: Form) -> Expression:
    reads, null = _several(table["first"], field, form), form.null

    def first(record: Any, entry: Any, about: Mapping[str, Any]) -> Any:
        for read in reads:
            value = read(record, entry, about)
            if value is not None and not (isinstance(value, str) and (not value.strip() or value.strip() in null)):
                return value
        return None

    return first


def _join(table: dict[str, Any], field: str, form: Form) -> Expression:
    reads, by, null = _several(table["join"], field, form), table.get("by", "-"), form.null

    def join(record: Any, entry: Any, about: Mapping[str, Any]) -> Any:
        texts = [as_text(read(record, entry, about), field).strip() for read in reads]
        return by.join(texts) if all(texts) and null.isdisjoint(texts) else None

    return join


def _several(given: Any, field: str, form: Form) -> list[Expression]:
    if not isinstance(given, list) or not given:
        raise BadInput(f"{field}: first and join take a list of expressions")
    return [compiled(part, field, form) for part in given]


_SOURCES = {"path": _path, "const": _const, "first": _first, "join": _join}


def _strip(table: dict[str, Any], field: str) -> Change:
    return lambda value: as_text(value, field).removeprefix(table["strip"])


def _strip_end(table: dict[str, Any], field: str) -> Change:
    return lambda value: as_text(value, field).strip().removesuffix(table["strip_end"])


def _split(table: dict[str, Any], field: str) -> Change:
    by, place = table["split"], table.get("take", 0)

    def split(value: Any) -> Any:
        parts = as_text(value, field).split(by)
        return parts[place] if -len(parts) <= place < len(parts) else None

    return split


def _list(table: dict[str, Any], field: str) -> Change:
    by, without = table["list"], set(table.get("without", ()))

    def listed(value: Any) -> Any:
        given = value if isinstance(value, list) else as_text(value, field).split(by) if by else [value]
        texts = (as_text(part, field).strip() for part in given)
        return [text for text in texts if text and text not in without]

    return listed


def _whole(table: dict[str, Any], field: str) -> Change:
    def whole(value: Any) -> str:
        text = as_text(value, field).strip()
        return text.removesuffix(".0") if _WHOLE.fullmatch(text) else text

    return whole


def _lower(table: dict[str, Any], field: str) -> Change:
    return lambda value: str(value).lower() if isinstance(value, bool) else as_text(value, field).lower()


def _cut(table: dict[str, Any], field: str) -> Change:
    most = table["cut"]
    return lambda value: as_text(value, field)[:most]


def _empty(table: dict[str, Any], field: str) -> Change:
    words = {str(word) for word in table["empty"]}
    return lambda value: None if as_text(value, field).strip() in words else value


def _words(table: dict[str, Any], field: str) -> Change:
    words, otherwise = table["words"], table.get("otherwise")

    def translated(value: Any) -> Any:
        word = str(value).lower() if isinstance(value, bool) else as_text(value, field).strip()
        return words.get(word, word if otherwise is None else otherwise)

    return translated


def _is(table: dict[str, Any], field: str) -> Change:
    words = {str(word) for word in table["is"]}
    return lambda value: True if str(value) in words else None


def _time(table: dict[str, Any], field: str) -> Change:
    read: Change = Time(table["time"], table.get("timezone", "UTC"))
    if "since" in table:
        read = partial(days_after, start_of(table["since"]))
    if field == "event_time":  # whose errors have a name of their own
        return read

    def time(value: Any) -> Any:
        try:
            return read(value)
        except ValueError as error:
            raise Dropped(f"{field} is no time", str(error)[:100]) from None

    return time


# By the name in the document, in the order in which they apply.
CHANGES: dict[str, Callable[[dict[str, Any], str], Change]] = {
    "strip": _strip, "strip_end": _strip_end, "split": _split, "whole": _whole, "lower": _lower, "cut": _cut,
    "empty": _empty, "words": _words, "is": _is, "list": _list, "time": _time,
}  # fmt: skip
_BESIDE = ("by", "take", "without", "otherwise", "timezone", "since")
