"""Reading the fields of a decoded object, in table order: the first that breaks its rule raises ``Refused``.

A reader turns what JSON held into a value, or into None when it breaks the rule (a field that holds null is absent,
so None is never a value).
"""

import math
import re
from collections.abc import Callable
from typing import TypeVar

MAX_EVENT_ID = 128  # characters, that is code points
MAX_ID = 256
MAX_TEXT = 256

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # category Cc; Unicode promises that it never grows
_T = TypeVar("_T")


class Refused(Exception):
    """A rule is broken; the only argument is the reason."""

    @property
    def reason(self) -> str:
        return str(self.args[0])


class Fields:
    """The members of one JSON object."""

    def __init__(self, members: dict[str, object]) -> None:
        self._members = members

    def required(self, name: str, read: Callable[[object], _T | None]) -> _T:
        """Return the field's value; raises Refused ``missing:`` or ``invalid:`` with its name."""
        value = self.optional(name, read)
        if value is None:
            raise Refused(f"missing:{name}")
        return value

    def optional(self, name: str, read: Callable[[object], _T | None]) -> _T | None:
        """Return the field's value, None when absent; raises Refused ``invalid:`` with its name."""
        given = self._members.get(name)
        if given is None:
            return None
        value = read(given)
        if value is None:
            raise Refused(f"invalid:{name}")
        return value


def any_text(given: object) -> str | None:
    """Return a string of any length."""
    return given if isinstance(given, str) else None


def text(given: object) -> str | None:
    """Return a string of at most 256 characters."""
    return given if isinstance(given, str) and len(given) <= MAX_TEXT else None


def event_id(given: object) -> str | None:
    """Return a string of 1 to 128 characters."""
    return given if isinstance(given, str) and 1 <= len(given) <= MAX_EVENT_ID else None


def identifier(given: object) -> str | None:
    """Return a string of 1 to 256 characters, none of them a control character."""
    if not isinstance(given, str) or not 1 <= len(given) <= MAX_ID or _CONTROL.search(given):
        return None
    return given


def number(given: object) -> float | None:
    """Return a finite number; true and false are not numbers. Negative zero becomes zero."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        return None
    return float(given) + 0.0


def json_object(given: object) -> dict[str, object] | None:
    """Return a JSON object."""
    return given if isinstance(given, dict) else None


def boolean(given: object) -> bool | None:
    """Return true or false."""
    return given if isinstance(given, bool) else None


def texts(given: object) -> tuple[str, ...] | None:
    """Return an array of strings of at most 256 characters each."""
    if not isinstance(given, list) or not all(text(entry) is not None for entry in given):
        return None
    return tuple(given)
