"""Which columns of a table a mapping needs."""

from collections.abc import Iterable
from typing import Any

from datasets.mapping.document import Mapping
from datasets.mapping.expressions import ABOUT_MARK, ENTRY, paths_of


def columns_of(expressions: Iterable[Any]) -> tuple[str, ...]:
    """Return the columns that the expressions cannot do without, each once."""
    return tuple(
        dict.fromkeys(
            path.removeprefix(f"{ENTRY}.")
            for given in expressions
            for path, is_needed in paths_of(given)
            if is_needed and path != ENTRY and not path.startswith(ABOUT_MARK)
        )
    )


def needed_columns(mapping: Mapping, user_column: str = "") -> tuple[str, ...]:
    """Return the columns that a table of events must have. Args: user_column: stands for the mapping's user_id."""
    event = {**mapping.event, **({"user_id": user_column} if user_column else {})}
    rules = (rule.value for rule in mapping.drop)
    first = (event.get(name) for name in ("user_id", "item_id", "event_time"))
    paths = columns_of([*first, *event.values(), *rules, *mapping.item.values()])
    joined = set(mapping.lookup.columns) if mapping.lookup else set()
    beside = ([mapping.lookup.on] if mapping.lookup else []) + [*mapping.fill_down, mapping.fill_within]
    without = joined | set(mapping.optional) | {""}
    return tuple(path for path in dict.fromkeys([*paths, *beside]) if path not in without)
