"""What the parts of an expression must be: a mapping is refused before the first record, not by it."""

from typing import Any

from schemas.errors import BadInput

_TYPES: dict[str, type] = {
    **dict.fromkeys(("strip", "strip_end", "split", "list", "time", "timezone", "since", "by", "otherwise"), str),
    **dict.fromkeys(("take", "cut"), int), **dict.fromkeys(("whole", "lower"), bool),
    **dict.fromkeys(("empty", "is", "without"), list), "words": dict,
}  # fmt: skip
_NAMES = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table of texts"}


def require_types(table: dict[str, Any], field: str) -> None:
    """Raise BadInput for a part that is not what it must be. Args: field: for the message."""
    for name, value in table.items():
        kind = _TYPES.get(name, object)
        fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        if kind is dict and fits:
            fits = all(isinstance(word, str) for word in value.values())
        if not fits or (name == "split" and not value):
            raise BadInput(f"{field}: {name} must be {_NAMES[kind]}, not {value!r}")
