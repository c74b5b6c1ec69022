"""The fields of a row made ready for the contract: blanks trimmed, words for nothing emptied, limits checked."""

import string
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from datasets.fields.numbers import number, plain_number
from datasets.fields.times import likely_style
from datasets.files.tally import Tally
from schemas.event import EARLIEST_EVENT_TIME_MS
from schemas.rules import DEFAULT_KINDS

MAX_ID = 256  # characters, of user_id and item_id; of optional texts too
MAX_EVENT_ID = 128
LATEST_MS = 253_402_300_799_999  # the last millisecond of 9999
MIN_RATING, MAX_RATING = 0.001, 1_000_000
# Words that exports write for an empty cell: as an id, such a word would join the histories of many users.
NULL_WORDS = frozenset({"NULL", "null", "\\N", "nan", "NaN", "None", "<NA>", "#N/A"})
# Blanks that str.strip leaves: byte order marks, zero-width spaces and joiners, marks of direction.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"
_REQUIRED = ("event_id", "user_id", "item_id")
OPTIONAL_TEXTS = ("category", "session_id", "device", "referrer", "source")
Json = dict[str, Any]


class Dropped(Exception):
    """The row makes no event: ``reason`` is counted, ``example`` is the cell that shows it."""

    def __init__(self, reason: str, example: str = "") -> None:
        super().__init__(reason)
        self.reason, self.example = reason, example


class LeftOut(Dropped):
    """The mapping, or the record's form, says that this makes no event: it is counted and no error."""


@dataclass(frozen=True)
class ImportOptions:
    """The options of every format; an empty one means the format's own default."""

    user_column: str = ""
    kinds: Mapping[str, float | str] = field(default_factory=lambda: dict(DEFAULT_KINDS))  # others are dropped
    kind_map: Mapping[str, str] = field(default_factory=dict)  # the file's word -> a kind, or "" to leave it out
    latest_ms: int = LATEST_MS  # an event after this would be rejected
    table: str = ""  # name or pattern of the event table in an archive or folder
    encoding: str = ""  # empty: by byte order mark, then UTF-8, then Windows-1252
    keep_blanks: bool = False  # around ids, kinds and categories
    null: Collection[str] = NULL_WORDS  # cells that are empty
    decimal: str = "."


def cleaned(event: Json, options: ImportOptions, tally: Tally) -> None:
    """Trim the event's texts and empty those that are words for nothing."""
    for key in _REQUIRED:
        event[key] = _text(event[key], key, options, tally)
    for key in OPTIONAL_TEXTS:
        text = event.get(key)
        if text is not None:
            text = _text(text, key, options, tally)
            if len(text) > MAX_ID:
                tally.note(f"{key} left out: longer than {MAX_ID}")
            elif text:
                event[key] = text
                continue
            del event[key]


def _text(text: str, key: str, options: ImportOptions, tally: Tally) -> str:
    if not options.keep_blanks:
        text = text.strip()
        if text and (text[0] in _INVISIBLE or text[-1] in _INVISIBLE):
            text = text.strip(_INVISIBLE + string.whitespace + "\u00a0")
    if text in options.null:
        tally.note(f"{key} taken as empty (--null)", text)
        return ""
    if text[:1] == '"' == text[-1:] and len(text) > 1:
        tally.note(f"{key} in quotes", text)
    return text


def with_number(event: Json, options: ImportOptions, tally: Tally) -> None:
    """Turn the event's value from text into a number; leave it out if it is none and has no weight.

    Raises:
        Dropped: the value decides the weight and is no number.
    """
    weighs = options.kinds[event["kind"]] == "value"
    try:
        value = number_of(event.get("value"), weighs, options)
    except ValueError as error:
        if weighs:
            raise Dropped("value is not a number", str(error)) from None
        tally.note("value left out: not a number", str(error))
        value = None
    if value is not None:
        event["value"] = value
    else:
        event.pop("value", None)


def number_of(given: Any, weighs: bool, options: ImportOptions) -> int | float | None:
    """Return the number that a value is or that its text writes; None for nothing. Raises ValueError for what is none.

    Args: weighs: the number decides the event's weight, so a word for nothing is an error.
    """
    text = given.strip() if isinstance(given, str) else given
    if text in (None, "") or (isinstance(text, str) and text in options.null and not weighs):
        return None
    value = number(text, options.decimal) if isinstance(text, str) else plain_number(text)
    if value is None:
        raise ValueError(str(text))
    return value


def check(event: Json, options: ImportOptions, time_style: str = "") -> None:
    """Raise ``Dropped`` when the event contract would reject the event."""
    for key, limit in (("event_id", MAX_EVENT_ID), ("user_id", MAX_ID), ("item_id", MAX_ID)):
        text = event[key]
        if not text:
            raise Dropped(f"no {key}")
        if len(text) > limit:
            raise Dropped(f"{key} longer than {limit}", text[:MAX_ID])
        if key != "event_id" and not text.isprintable() and any(unicodedata.category(c) == "Cc" for c in text):
            raise Dropped(f"control character in {key}", text)
    _check_time(event["event_time"], options.latest_ms, time_style)
    if options.kinds[event["kind"]] == "value" and not MIN_RATING <= event.get("value", 0) <= MAX_RATING:
        raise Dropped("rating outside 0.001 to 1,000,000", str(event.get("value", "")))


def _check_time(time: int, latest: int, style: str) -> None:
    if EARLIEST_EVENT_TIME_MS <= time <= latest:
        return
    reason = "time before 1990" if time < EARLIEST_EVENT_TIME_MS else "time too far ahead"
    likely = likely_style(time, style, latest)
    raise Dropped(reason + (f", right as --time-format {likely}" if likely else ""), str(time))
