"""The one engine that turns a record into events of the contract, used for files and for topics."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace
from typing import Any

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
from datasets.mapping.document import Drop, Mapping
from datasets.mapping.envelopes import PLAIN, Unwrapped, unwrapping
from datasets.mapping.expressions import Expression, Form, compiled, paths_of
from datasets.mapping.items import Items
from datasets.mapping.paths import parse_path, reader
from datasets.mapping.plain import PlainTexts, is_plain_time
from datasets.mapping.values import Time, as_text
from schemas.errors import BadInput

NOTHING: Table[str, Any] = {}
_OWN = ("event_id", "event_time", "kind", "user_id", "item_id")
_MOST_WORDS = 1_000
_REMOVED = "d"  # Debezium's operation of a deleted row
_TIME = Time("iso", "UTC")
Rule = Callable[[Any, Any, Table[str, Any]], None]  # raises LeftOut


class Engine:
    """One mapping, compiled. Every event it returns is one of the contract, but for the time's upper limit of the log.

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
        self._kind = compiled(kind, "kind", form)
        self._user, self._item = (compiled(event[name], name, form) for name in ("user_id", "item_id"))
        self._time, self._style = compiled(event["event_time"], "event_time", form), _style(event["event_time"])
        self._id = compiled(event["event_id"], "event_id", form) if "event_id" in event else None
        self._more = [(name, compiled(given, name, form)) for name, given in event.items() if name not in _OWN]
        self._rules = [rule_of(rule, form) for rule in mapping.drop]
        self._records = _array(mapping.records, form) if mapping.records else None
        self._parts = _array(mapping.each, form) if mapping.each else None
        self.no_entry = f"no entry in {mapping.each if isinstance(mapping.each, str) else 'each'}"
        self._unwrap = unwrapping(mapping.envelope, mapping.deletes)
        self.is_one_event = mapping.envelope == PLAIN and self._records is None and self._parts is None
        self.names_events = self._id is not None
        self._is_one = mapping.envelope == PLAIN and self._records is None
        self._kinds: dict[str, str] = {}  # of words that were looked at
        self._texts = PlainTexts(options, [name for name, _ in self._more])
        self.items = Items(mapping.item, options, tally, form)
        self.needs_about = any(path.startswith("$") for path in _paths(event, mapping.drop))
        self.needs_time = "$time" in _paths(event, ())

    def unwrapped(self, value: Any) -> Sequence[Unwrapped]:
        """Return the records in a decoded value. Raises ``Dropped`` or ``LeftOut``."""
        if self._is_one and isinstance(value, dict):
            return (Unwrapped(value),)
        values = value if isinstance(value, list) else self._records(value) if self._records else (value,)
        unwrapped = [one for inner in values for one in self._unwrap(inner)]
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
        for rule in self._rules:
            rule(record, entry, about)
        word = self._kind(record, entry, about)
        kind = self._kinds.get(word) if type(word) is str else None
        if kind is None or op == _REMOVED:
            kind = "remove" if op == _REMOVED else self._kind_of(word)
        user, item = self._user(record, entry, about), self._item(record, entry, about)
        event = {
            "event_id": event_id if self._id is None else self._id(record, entry, about),
            "event_time": self._time_of(record, entry, about),
            "kind": kind,
            "user_id": user,
            "item_id": item,
        }
        for name, read in self._more:
            value = read(record, entry, about)
            if value is not None:
                event[name] = value
        if not (self._texts.are_plain(event, self._id is None) and is_plain_time(event, self.options)):
            self._cleaned(event)
        elif type(event.get("value", 0)) is not int:
            with_number(event, self.options, self.tally)
        return event

    def _cleaned(self, event: Json) -> None:
        """Make texts of ids and optional texts, clean and check the event."""
        for name in ("event_id", "user_id", "item_id"):
            event[name] = as_text(event[name], name)
        for name in OPTIONAL_TEXTS:
            if name in event and not isinstance(event[name], str):
                event[name] = self._text(event[name], name)
        cleaned(event, self.options, self.tally)
        with_number(event, self.options, self.tally)
        check(event, self.options, self._style)

    def _kind_of(self, word: Any) -> str:
        kind = self.kind(_word(word))
        if type(word) is str and len(self._kinds) < _MOST_WORDS:
            self._kinds[word] = kind
        return kind

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
            value = self._time(record, entry, about)
            return value if type(value) is int else _TIME(value)
        except ValueError as error:
            raise Dropped("unreadable time", str(error)[:100]) from None


def adopted(options: ImportOptions, mapping: Mapping) -> ImportOptions:
    """Return the options with what the mapping says where they have their defaults."""
    return replace(
        options,
        decimal=mapping.decimal if options.decimal == "." else options.decimal,
        null=frozenset(mapping.null) if mapping.null and options.null == NULL_WORDS else options.null,
        keep_blanks=options.keep_blanks or mapping.keep_blanks,
    )


def _word(value: Any) -> str:
    """Return the word of a kind; true and false are words as well."""
    return str(value).lower() if isinstance(value, bool) else as_text(value, "kind")


def rule_of(drop: Drop, form: Form) -> Rule:
    """Return a rule as a function, which raises ``LeftOut`` for what it leaves out."""
    read, reason = compiled(drop.value, "drop", form), drop.reason
    applies = _CONDITIONS[drop.condition](drop.operand)

    def rule(record: Any, entry: Any, about: Table[str, Any]) -> None:
        value = read(record, entry, about)
        if applies("" if value is None else str(value).strip()):
            raise LeftOut(reason)

    return rule


_CONDITIONS: dict[str, Callable[[Any], Callable[[str], bool]]] = {
    "is_in": lambda words: {str(word) for word in words}.__contains__,
    "not_in": lambda words: lambda text: text not in {str(word) for word in words},
    "starts": lambda start: lambda text: text.startswith(str(start)),
    "missing": lambda missing: lambda text: (not text) is bool(missing),
}


def _kind_words(given: Any, options: ImportOptions) -> tuple[dict[str, str], Any]:
    """Return which words stand for which kinds, ``*`` for all others, and the expression that reads the word."""
    if not isinstance(given, dict) or "words" not in given:
        return dict(options.kind_map), given
    words = {**given["words"], **({"*": given["otherwise"]} if "otherwise" in given else {}), **options.kind_map}
    return words, {name: part for name, part in given.items() if name not in ("words", "otherwise")}


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


def _paths(event: Table[str, Any], drops: Sequence[Drop]) -> set[str]:
    expressions = [*event.values(), *(drop.value for drop in drops)]
    return {path for given in expressions for path, _ in paths_of(given)}
