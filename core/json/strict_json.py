"""The one strict JSON decoder: RFC 8259 without its options, and a pure function of the bytes."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

from core.json.outline import outline
from schemas.event import MAX_VALUE_BYTES, Rejected

MAX_NESTING = 128  # arrays and objects inside one another; deeper is malformed, whatever the interpreter could take
LONG = 4_096  # characters from which a text is looked at as columns, which takes a tenth of the time then
_INT_DIGITS = 18  # always below 2**63; longer ones become doubles, as RFC 8259 §6 advises for interoperability

# The end quote is optional and the repeat possessive, so that no text, however hostile, takes more than one pass.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F])|.)", re.DOTALL
)


class Malformed(ValueError):
    """The bytes are not one strict JSON text."""


def _integer(digits: str) -> int | float:
    """Return an int when it surely fits 64 bits, else the nearest double; int() refuses more than 4,300 digits."""
    return int(digits) if len(digits) <= _INT_DIGITS else float(digits)


def _no_constant(name: str) -> object:
    raise Malformed(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_no_constant)


def nests_too_deep(text: str) -> bool:
    """Return whether brackets outside strings stand more than ``MAX_NESTING`` deep; no recursion."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    if len(text) > LONG:
        return outline(text.encode("utf-8", "surrogatepass"), len(text), MAX_NESTING).depth > MAX_NESTING
    depth = 0
    for piece in _STRING_OR_BRACKET.finditer(text):
        token = text[piece.start()]
        if token != '"':  # noqa: S105 - a part of a text
            depth += 1 if token in "[{" else -1  # noqa: S105 - a part of a text
            if depth > MAX_NESTING:
                return True
    return False


def _has_lone_surrogate(text: str) -> bool:
    """Return whether a well-formed text escapes half a surrogate pair; outside strings it has no backslash."""
    return "\\u" in text and any(escape["lone"] for escape in _ESCAPE.finditer(text))


def _decode_text(text: str) -> object:
    """Decode with ``json`` a text known to nest no deeper than the limit."""
    try:
        return _DECODER.decode(text)
    except RecursionError:  # the caller's stack is nearly used up: that must not decide, and a new thread's is whole
        with ThreadPoolExecutor(1) as fresh:
            return fresh.submit(_DECODER.decode, text).result()


def decode(value: bytes) -> object:
    """Return the JSON value of UTF-8 bytes; of duplicate names the last counts; an overflowing number is infinite.

    Raises: Malformed for anything but one strict RFC 8259 text: NaN, a BOM, lone surrogates, invalid UTF-8,
        or more than ``MAX_NESTING`` levels.
    """
    try:
        text = value.decode("utf-8")
        if nests_too_deep(text):
            raise Malformed(f"nested deeper than {MAX_NESTING}")
        decoded = _decode_text(text)
    except ValueError as error:  # of which UnicodeDecodeError and JSONDecodeError are kinds
        raise Malformed(str(error)) from error
    if _has_lone_surrogate(text):
        raise Malformed("half a surrogate pair")
    return decoded


def read_object(value: bytes | None) -> dict[str, object] | Rejected:
    """Return a record's value as a JSON object, or why not: ``oversize`` or ``malformed`` (a null value too)."""
    if value is None:
        return Rejected("malformed")
    if len(value) > MAX_VALUE_BYTES:
        return Rejected("oversize")
    try:
        decoded = decode(value)
    except Malformed:
        return Rejected("malformed")
    return decoded if isinstance(decoded, dict) else Rejected("malformed")
