"""A mapping's document as TOML: for people to read and change."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(document: Mapping[str, Any], comment: str = "") -> str:
    """Return the document as TOML; ``comment`` stands at its beginning, each line after a #."""
    lines = [f"# {line}" for line in comment.splitlines()]
    return "\n".join([*lines, *_table(document, "")]) + "\n"


def _table(table: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the lines of a table: its values, then the tables in it."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping) and not name}
    arrays = {key: value for key, value in table.items() if _is_array_of_tables(value)}
    for key, value in table.items():
        if key not in inner and key not in arrays:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        yield from ("", f"[{_key(key)}]", *_table(value, key))
    for key, rows in arrays.items():
        for row in rows:
            yield from ("", f"[[{_key(key)}]]", *_table(row, key))


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    """Return a basic string: JSON's escapes are TOML's, but for the character DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
