"""Converts a given value to the type of its setting and checks its range; errors name the remedy and show no secret."""

import json
import re
from dataclasses import MISSING, Field
from pathlib import Path
from typing import Any

from core.settings.fields import Setting, setting_of
from core.settings.secret import StoreUrl
from core.settings.units import limit_text, memory_bytes, milliseconds
from core.text.masking import masked
from schemas.errors import SettingsError

_NO_PATH = re.compile(r":/|:[^/@]*@|^[^/~].*[:?]")
_UNITS = {"duration": milliseconds, "memory": memory_bytes}


def value_of(name: str, entry: "Field[Any]", value: Any) -> Any:
    """Return the value in the form that the section holds.

    Args:
        name: the setting as the person wrote it, for messages.
        entry: the section's field.
        value: the given value; text is converted, text for a table is JSON, a duration or a size becomes a number.

    Raises:
        SettingsError: the value has another type, is out of range, or may hold a password where none belongs.
    """
    rules, default = setting_of(entry), _default(entry)
    if rules.unit == "memory" and isinstance(value, int) and not isinstance(value, bool):
        read: Any = value  # bytes already
    else:
        read = _converted(name, value, "" if rules.unit or isinstance(default, StoreUrl) else default)
    if not rules.may_hold_passwords:
        _refuse_password(name, read, rules.instead)
    if rules.unit and isinstance(read, str):
        try:
            read = _UNITS[rules.unit](read)
        except SettingsError as error:
            raise SettingsError(f"setting {name}: {error}") from None
    _require_in_range(name, read, rules)
    return read if rules.parse is None else rules.parse(name, read)


def _default(entry: "Field[Any]") -> Any:
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def _converted(name: str, value: Any, default: Any) -> Any:
    try:
        if isinstance(default, dict):
            table = json.loads(value) if isinstance(value, str) else value
            if not isinstance(table, dict):
                raise TypeError
            return table
        if isinstance(default, str | Path) and not isinstance(value, str | Path):
            raise TypeError
        if isinstance(default, int | float) and not isinstance(value, str | int | float):
            raise TypeError
        if isinstance(value, bool) or (isinstance(default, int) and isinstance(value, float)):
            raise TypeError
        return type(default)(value)
    except (TypeError, ValueError, RecursionError, OverflowError):
        raise SettingsError(f"setting {name} must be {_kind(default)}, not {_said(value, default)}") from None


def _refuse_password(name: str, value: Any, instead: str) -> None:
    """Raise when the value may hold a password: only settings made for passwords keep them out of messages."""
    looks = isinstance(value, str) and any(masked(part.strip()) != part.strip() for part in value.split(","))
    looks |= isinstance(value, Path) and bool(_NO_PATH.search(str(value)))
    if looks:
        raise SettingsError(f"setting {name} cannot be understood: {instead}")


def _require_in_range(name: str, value: Any, rules: Setting) -> None:
    if rules.at_least == 0 and not 0 <= value < float("inf"):
        raise SettingsError(f"setting {name} must be a number that is not negative")
    if rules.at_least is not None and not value >= rules.at_least:
        raise SettingsError(f"setting {name} must be at least {limit_text(rules.at_least, rules.unit)}")
    if rules.at_most is not None and not value <= rules.at_most:
        raise SettingsError(f"setting {name} must be at most {limit_text(rules.at_most, rules.unit)}")
    if rules.one_of and value not in rules.one_of:
        raise SettingsError(f"setting {name} must be {' or '.join(rules.one_of)}, not {value!r}")


def _kind(default: Any) -> str:
    if isinstance(default, dict):
        return "of type table (JSON in the environment)"
    return f"of type {'text' if isinstance(default, str | Path) else type(default).__name__}"


def _said(value: Any, default: Any) -> str:
    """Return the given value in words; never the content of a table or a list, which may be a secret."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(default, dict):
        return "that" if isinstance(value, str) else type(value).__name__
    return repr(masked(value) if isinstance(value, str) else value)
