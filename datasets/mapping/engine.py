"""The one engine that turns a record into events of the contract, used for files and for topics."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace
from typing import Any, NamedTuple

from datasets.fields.acceptance import (
    NULL_WORDS,
    OPTIONAL_TEXTS,
    Dropped,
    ImportOptions,
    Json,
    LeftOut,
    check,
    cleaned,
    with_number,
)
from datasets.files.tally import Tally
from datasets.mapping.batches import NOTHING, Column, Read, reading
from datasets.mapping.document import Drop, Mapping
from datasets.mapping.envelopes import PLAIN, Unwrapped, unwrapping
from datasets.mapping.expressions import Expression, Form, compiled, paths_of
from datasets.mapping.items import Items
from datasets.mapping.paths import parse_path, reader
from datasets.mapping.values import Time, as_text
from schemas.errors import BadInput

_OWN = ("event_id", "event_time", "kind", "user_id", "item_id")
REMOVED = "d"  # Debezium's operation of a deleted row
_ISO = Time("iso", "UTC")


class Rule(NamedTuple):
    """A rule by which records are left out: the value that it looks at, what decides, and the reason."""

    read: Read
    applies: Callable[[str], bool]
    reason: str

    def check(self, record: Any, entry: Any, about: Table[str, Any]) -> None:
        """Raise ``LeftOut`` for what the rule leaves out."""
        if self.applies(rule_text(self.read.one(record, entry, about))):
            raise LeftOut(self.reason)


class Engine:
    """One mapping, compiled. Every event it returns is one of the contract, but for the time's upper limit of the log.

    ``event`` makes one event, with all reasons; ``by_columns.ByColumns`` makes many at once by what is compiled here,
    and leaves to ``event`` each one that is not plain.

    ``needs_about``: the mapping asks for what is known of a record besides its value.   ``is_one_event``: an object is
    one record and makes one event.   ``names_events``: the mapping gives events their ids.
    """

    def __init__(self, mapping: Mapping, options: ImportOptions, tally: Tally, flat: bool = False) -> None:
        event = dict(mapping.event)
        self.options, self.tally, self.mapping = options, tally, mapping
        if options.user_column:
            event["user_id"] = options.user_column
        event.setdefault("event_time", "$time")
        form = Form(flat, frozenset(options.null))
        self._words, kind = _kind_words(event["kind"], options)
        self.kinds = reading(kind, "kind", form)
        self.user, self.item = (reading(event[name], name, form) for name in ("user_id", "item_id"))
        self.time, self._style = reading(event["event_time"], "event_time", form), _style(event["event_time"])
        self.raw_time = _raw_time(event["event_time"], self.time, form)
        self.id = reading(event["event_id"], "event_id", form) if "event_id" in event else None
        self.more = {name: reading(given, name, form) for name, given in event.items() if name not in _OWN}
        self.rules = [rule_of(rule, form) for rule in mapping.drop]
        self._records = _array(mapping.records, form) if mapping.records else None
        self._parts = _array(mapping.each, form) if mapping.each else None
        self.no_entry = f"no entry in {mapping.each if isinstance(mapping.each, str) else 'each'}"
        self._unwrap = unwrapping(mapping.envelope, mapping.deletes)
        self._is_one = mapping.envelope == PLAIN and self._records is None
        self.is_one_event = self._is_one and self._parts is None
        self.names_events = self.id is not None
        self.items = Items(mapping.item, options, tally, form)
        self.needs_about = any(path.startswith("$") for path in _paths(event, mapping))

    def inner(self, value: Any) -> Sequence[Any]:
        """Return the records in a decoded value, each in its envelope."""
        if isinstance(value, list):
            return value
        return self._records(value) if self._records else (value,)

    def unwrap(self, value: Any) -> Sequence[Unwrapped]:
        """Return what is in an envelope. Raises ``Dropped`` or ``LeftOut``."""
        if self._is_one and isinstance(value, dict):
            return (Unwrapped(value),)
        unwrapped = self._unwrap(value)
        if not all(isinstance(one.record, dict) for one in unwrapped):
            raise Dropped("no object", repr(value)[:80])
        return unwrapped

    def entries(self, record: Any) -> Sequence[Any]:
        """Return the parts of a record that are an event each: itself, without an array ``each``."""
        return (record,) if self._parts is None else self._parts(record)

    def event(self, record: Any, entry: Any, about: Table[str, Any], event_id: str, op: str = "") -> Json:
        """Return the event of an entry, cleaned and checked.

        Args: event_id: what names the event where the mapping does not.   op: Debezium's operation.
        Raises: Dropped.
        """
        for rule in self.rules:
            rule.check(record, entry, about)
        event = {
            "event_id": event_id if self.id is None else self.id.one(record, entry, about),
            "event_time": self._time_of(record, entry, about),
            "kind": "remove" if op == REMOVED else self.kind_of(self.kinds.one(record, entry, about)),
            "user_id": self.user.one(record, entry, about),
            "item_id": self.item.one(record, entry, about),
        }
        for name, read in self.more.items():
            value = read.one(record, entry, about)
            if value is not None:
                event[name] = value
        self._cleaned(event)
        return event

    def _cleaned(self, event: Json) -> None:
        """Make texts of ids and optional texts, clean and check the event."""
        for name in ("event_id", "user_id", "item_id"):
            event[name] = as_text(event[name], name)
        for name in OPTIONAL_TEXTS:
            if name in event and not isinstance(event[name], str):
                event[name] = self._text(event[name], name)
        if not isinstance(event.get("context", {}), dict):
            self.tally.note("context left out: no object", str(event.pop("context"))[:80])
        cleaned(event, self.options, self.tally)
        with_number(event, self.options, self.tally)
        check(event, self.options, self._style)

    def kind_of(self, word: Any) -> str:
        """Return the kind that a value stands for. Raises as ``kind``."""
        return self.kind(str(word).lower() if isinstance(word, bool) else as_text(word, "kind"))

    def kind(self, word: str) -> str:
        """Return the kind that a word stands for. Raises ``Dropped``; ``LeftOut`` if it stands for none on purpose."""
        if not self.options.keep_blanks:
            word = word.strip()
        kind = self._words.get(word, word) if word in self._words else self._words.get("*", word)
        if kind in self.options.kinds:
            return kind
        if kind or not word:
            raise Dropped(f"no kind for {word!r}", word)
        raise LeftOut(f"{word!r} left out")

    def _text(self, value: Any, name: str) -> str:
        """Return an optional text; one that is none is left out, which is noted."""
        try:
            return as_text(value, name)
        except Dropped as dropped:
            self.tally.note(f"{name} left out: no text", dropped.example)
            return ""

    def _time_of(self, record: Any, entry: Any, about: Table[str, Any]) -> int:
        try:
            value = self.time.one(record, entry, about)
            return value if type(value) is int else _ISO(value)
        except ValueError as error:
            text = str(error).strip()
            raise (Dropped("unreadable time", text[:100]) if text else Dropped("no event_time")) from None


def adopted(options: ImportOptions, mapping: Mapping) -> ImportOptions:
    """Return the options with what the mapping says where they have their defaults."""
    return replace(
        options,
        decimal=mapping.decimal if options.decimal == "." else options.decimal,
        null=frozenset(mapping.null) if mapping.null and options.null == NULL_WORDS else options.null,
        keep_blanks=options.keep_blanks or mapping.keep_blanks,
    )


def rule_of(drop: Drop, form: Form) -> Rule:
    """Return a rule, compiled."""
    return Rule(reading(drop.value, "drop", form), _CONDITIONS[drop.condition](drop.operand), drop.reason)


def rule_text(value: Any) -> str:
    """Return the text that a rule looks at."""
    return "" if value is None else str(value).strip()


_CONDITIONS: dict[str, Callable[[Any], Callable[[str], bool]]] = {
    "is_in": lambda words: {str(word) for word in words}.__contains__,
    "not_in": lambda words: lambda text: text not in {str(word) for word in words},
    "starts": lambda start: lambda text: text.startswith(str(start)),
    "missing": lambda missing: lambda text: (not text) is bool(missing),
}


def _kind_words(given: Any, options: ImportOptions) -> tuple[dict[str, str], Any]:
    """Return which words stand for which kinds, ``*`` for all others, and the expression that reads the word."""
    if not isinstance(given, dict) or not isinstance(given.get("words"), dict):
        _require_kind(given, options)
        return dict(options.kind_map), given
    compiled(given, "kind", Form())  # which refuses words that are no texts
    words = {**given["words"], **({"*": given["otherwise"]} if "otherwise" in given else {}), **options.kind_map}
    return words, {name: part for name, part in given.items() if name not in ("words", "otherwise")}


def _require_kind(given: Any, options: ImportOptions) -> None:
    """Raise BadInput where every event would be of a kind that there is not."""
    word = given.get("const") if isinstance(given, dict) else None
    if word is not None and word not in options.kinds and word not in options.kind_map and "*" not in options.kind_map:
        raise BadInput(f"kind: {word!r} is no kind; the kinds are {', '.join(options.kinds)}")


def _raw_time(given: Any, time: Read, form: Form) -> tuple[Column, Time]:
    """Return the column of times as they were written, where nothing else changes them, and what reads them."""
    if isinstance(given, dict) and "time" in given and given.keys() <= {"path", "time", "timezone"}:
        return reading(given["path"], "event_time", form).column, Time(given["time"], given.get("timezone", "UTC"))
    return time.column, _ISO


def _style(given: Any) -> str:
    return str(given.get("time", "")) if isinstance(given, dict) else ""


def _array(given: Any, form: Form) -> Callable[[Any], Sequence[Any]]:
    """Return a function that yields an array's entries; without the array, the object that would hold it is the one."""
    if isinstance(given, dict):
        read: Expression = compiled({"list": " ", **given}, "each", form)
        return lambda record: read(record, record, NOTHING) or ()
    if not isinstance(given, str):
        raise BadInput(f"records and each are paths of arrays, not {given!r}")
    steps = parse_path(given)
    array, holder = reader(steps), reader(steps[:-1])

    def entries(record: Any) -> Sequence[Any]:
        value = array(record)
        if isinstance(value, list):
            return value
        held = holder(record) if value is None else value
        return (record if held is None else held,)

    return entries


def _paths(event: Table[str, Any], mapping: Mapping) -> set[str]:
    expressions = [*event.values(), *mapping.item.values(), *(drop.value for drop in mapping.drop)]
    return {path for given in expressions for path, _ in paths_of(given)}
