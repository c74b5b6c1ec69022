"""The field of a section of settings, with everything that a person must know about it."""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field
from typing import Any, Literal

_NAME = "setting"  # of the entry in a field's metadata


@dataclass(frozen=True)
class Setting:
    """What is known of a setting. ``about``: what the value means; ``why``: why its default is so."""

    about: str
    why: str = ""
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[str, ...] = ()
    unit: Literal["", "duration", "memory"] = ""  # written as text such as 24h or 4g; milliseconds or bytes once read
    variable: str = ""  # the name outside sections, in capitals the variable's; empty: the key
    default_is: str = ""  # in words, where the default is empty
    instead: str = "it takes no address with a login or options"  # the remedy for text that may hold a password
    may_hold_passwords: bool = False  # its type masks itself
    parse: Callable[[str, Any], Any] | None = None  # (name, value) -> value, called after all other checks; may raise
    rule: bool = False  # whether it decides what events mean


def setting(default: Any, about: str, **more: Any) -> Any:
    """Return a dataclass field that is a setting; ``more`` are the fields of ``Setting``."""
    metadata = {_NAME: Setting(about, **more)}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def setting_of(entry: "Field[Any]") -> Setting:
    """Return the setting that a field declares; an empty one for a plain field."""
    declared: Setting = entry.metadata.get(_NAME, Setting(""))
    return declared


def key_of(entry: "Field[Any]") -> str:
    """Return the field's name in a file: without the unit, because the value there names it."""
    return entry.name.removesuffix("_ms").removesuffix("_bytes") if setting_of(entry).unit else entry.name
