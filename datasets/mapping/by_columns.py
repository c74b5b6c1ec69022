"""Many entries as events at once: the same as ``Engine.event`` makes of each, for those that need no cleaning.

Every field is a column. What is plain in all of its fields is written as it is; the others, which are few, go through
``Engine.event`` one by one, which cleans them or says what is wrong with them.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import compress
from typing import Any, NamedTuple

import msgspec

from datasets.fields.acceptance import (
    MAX_EVENT_ID,
    MAX_RATING,
    MIN_RATING,
    OPTIONAL_TEXTS,
    Dropped,
    Json,
)
from datasets.mapping.batches import Batch, Read
from datasets.mapping.engine import REMOVED, Engine, rule_text
from datasets.mapping.plain import PlainNumbers, PlainTexts
from datasets.mapping.values import as_text
from schemas.event import EARLIEST_EVENT_TIME_MS, MAX_VALUE_BYTES

_REQUIRED = ("event_id", "event_time", "kind", "user_id", "item_id")
_MOST_WORDS = 1_000
_UNWRITABLE = (UnicodeEncodeError, TypeError, ValueError, OverflowError, RecursionError)
Row = tuple[int, str, bytes, str, str]  # time, user, text, item and id
_encode = msgspec.json.encode
_encode_lines = msgspec.json.Encoder().encode_lines


class Made(NamedTuple):
    """Events as columns, in the order of their entries, with what orders, keys and names them.

    ``places``: of their entries in the batch.   ``dropped``: why the others are no events, by their places.
    """

    places: Sequence[int]
    times: Sequence[int]  # epoch ms
    users: Sequence[str]
    texts: Sequence[bytes]  # the events as JSON
    items: Sequence[str]
    ids: Sequence[str]
    dropped: Sequence[tuple[int, Dropped]]


class ByColumns:
    """Makes the events of batches by the expressions of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine, options = engine, engine.options
        self._known = PlainTexts(options)
        self._weighed = {kind for kind, by in options.kinds.items() if by == "value"}
        self._kinds: dict[Any, str] = {}  # of words that were looked at
        self._numbers = PlainNumbers(options)
        names = [*_REQUIRED, *engine.more]
        fields = [(f"f{place}", Any, None) for place in range(len(names))]
        rename = {f"f{place}": name for place, name in enumerate(names)}
        self._event: Callable[..., Any] = msgspec.defstruct(
            "Event", fields, rename=rename, omit_defaults=True, gc=False
        )

    def made(self, batch: Batch) -> Made:
        """Return the events of a batch."""
        odd = set[int]()
        columns = self._columns(batch, odd)
        plain = [place not in odd for place in range(len(batch))] if odd else []
        ids, times, _, users, items, *_ = kept = (
            [list(compress(column, plain)) for column in columns] if odd else columns
        )
        texts = self._texts(kept)
        if texts is None:  # one of them cannot be written or is too large
            return _merged(range(0), (), ((place, self._one(batch, place)) for place in range(len(batch))))
        if not odd:
            return Made(range(len(batch)), times, users, texts, items, ids, ())
        rows = zip(times, users, texts, items, ids, strict=True)
        places = compress(range(len(batch)), plain)
        return _merged(places, rows, ((place, self._one(batch, place)) for place in sorted(odd)))

    def _texts(self, columns: Sequence[Sequence[Any]]) -> list[bytes] | None:
        """Return the events as JSON; None when one of them cannot be written."""
        try:
            texts = _encode_lines(list(map(self._event, *columns))).split(b"\n")[:-1]
        except _UNWRITABLE:
            return None
        return texts if max(map(len, texts), default=0) <= MAX_VALUE_BYTES else None

    def _one(self, batch: Batch, place: int) -> Row | Dropped:
        about = batch.about[place] if isinstance(batch.about, Sequence) else next(iter(batch.about))
        op = batch.ops[place] if batch.ops else ""
        try:
            return written(self._engine.event(batch.records[place], batch.entries[place], about, batch.ids[place], op))
        except Dropped as reason:
            return reason

    def _columns(self, batch: Batch, odd: set[int]) -> list[Sequence[Any]]:
        """Return the fields of all entries, and note the places of those that are not plain."""
        engine = self._engine
        for rule in engine.rules:
            values = _values(rule.read, batch, odd)
            odd.update(place for place, value in enumerate(values) if rule.applies(rule_text(value)))
        odd.update(place for place, op in enumerate(batch.ops) if op == REMOVED)
        ids = batch.ids
        if engine.id is not None:
            ids = _as_texts(_values(engine.id, batch, odd))
            odd.update(self._known.odd_once(ids, MAX_EVENT_ID))
        kinds = self._kinds_of(_as_texts(_values(engine.kinds, batch, odd)), odd)
        users, items = (self._ids(_values(read, batch, odd), odd) for read in (engine.user, engine.item))
        more = [self._more(name, _values(read, batch, odd), odd) for name, read in engine.more.items()]
        if not self._weighed.isdisjoint(kinds):
            self._check_ratings(kinds, more, odd)
        return [ids, self._times(batch, odd), kinds, users, items, *more]

    def _ids(self, values: Sequence[Any], odd: set[int]) -> Sequence[Any]:
        texts = _as_texts(values)
        odd.update(self._known.odd(texts))
        return texts

    def _times(self, batch: Batch, odd: set[int]) -> Sequence[Any]:
        column, time = self._engine.raw_time
        values = _values(Read(self._engine.time.one, column), batch, odd)
        times = time.column(values, odd)
        latest = self._engine.options.latest_ms
        if times and not (min(times) >= EARLIEST_EVENT_TIME_MS and max(times) <= latest):
            odd.update(place for place, at in enumerate(times) if not EARLIEST_EVENT_TIME_MS <= at <= latest)
        return times

    def _kinds_of(self, words: Sequence[Any], odd: set[int]) -> list[Any]:
        """Return the kinds that words stand for; a word that stands for none is odd."""
        kinds = _looked_up(self._kinds, words)
        if None in kinds:
            for word in {word for word in words if type(word) is str} - self._kinds.keys():
                if len(self._kinds) < _MOST_WORDS:
                    self._learn(word)
            kinds = _looked_up(self._kinds, words)
            odd.update(place for place, kind in enumerate(kinds) if kind is None)
        return kinds

    def _learn(self, word: str) -> None:
        with suppress(Dropped):  # ``Engine.event`` says why, for each
            self._kinds[word] = self._engine.kind(word)

    def _more(self, name: str, values: Sequence[Any], odd: set[int]) -> Sequence[Any]:
        if name == "value":
            return self._numbers_of(values, odd)
        if name == "context":
            odd.update(place for place, value in enumerate(values) if not (value is None or type(value) is dict))
        if name not in OPTIONAL_TEXTS:
            return values
        texts = _as_texts(values)
        if None not in texts and "" not in texts:
            odd.update(self._known.odd(texts))
            return texts
        there = [place for place, text in enumerate(texts) if not (text is None or text == "")]
        odd.update(there[place] for place in self._known.odd([texts[place] for place in there]))
        return [text or None for text in texts]

    def _numbers_of(self, values: Sequence[Any], odd: set[int]) -> list[Any]:
        numbers = self._numbers.of(values)
        if Dropped in numbers:
            odd.update(place for place, number in enumerate(numbers) if number is Dropped)
        return numbers

    def _check_ratings(self, kinds: Sequence[Any], more: Sequence[Sequence[Any]], odd: set[int]) -> None:
        names = list(self._engine.more)
        values = more[names.index("value")] if "value" in names else [None] * len(kinds)
        for place, (kind, value) in enumerate(zip(kinds, values, strict=True)):
            if kind in self._weighed and not (isinstance(value, int | float) and MIN_RATING <= value <= MAX_RATING):
                odd.add(place)


def written(event: Json) -> Row:
    """Return an event as a row of ``Made``. Raises Dropped for one that cannot be written or is too large."""
    try:
        text = _encode(event)
    except _UNWRITABLE as error:
        raise Dropped("a field cannot be written as JSON", str(error)[:100]) from None
    if len(text) > MAX_VALUE_BYTES:
        raise Dropped("oversize", f"{len(text):,} bytes")
    return event["event_time"], event["user_id"], text, event["item_id"], event["event_id"]


def _merged(places: Iterable[int], rows: Iterable[Row], others: Iterable[tuple[int, Row | Dropped]]) -> Made:
    """Return the rows at their places and the others at theirs."""
    dropped, there = list[tuple[int, Dropped]](), dict[int, Row](zip(places, rows, strict=False))
    for place, other in others:
        if isinstance(other, Dropped):
            dropped.append((place, other))
        else:
            there[place] = other
    in_order = sorted(there)
    times, users, texts, items, ids = zip(*map(there.__getitem__, in_order), strict=True) if there else ((),) * 5
    return Made(in_order, times, users, texts, items, ids, dropped)


def _values(read: Read, batch: Batch, odd: set[int]) -> Sequence[Any]:
    """Return what an expression reads of each entry; where it cannot be read, the entry is odd."""
    try:
        return read.column(batch)
    except (Dropped, ValueError):
        values: list[Any] = []
    for place, row in enumerate(batch.rows()):
        try:
            values.append(read.one(*row))
        except (Dropped, ValueError):
            odd.add(place)
            values.append(None)
    return values


def _as_texts(values: Sequence[Any]) -> Sequence[Any]:
    """Return texts for numbers and what else has a text; what has none stays as it is."""
    if set(map(type, values)) <= {str, type(None)}:
        return values
    return [value if type(value) is str or value is None else _as_text(value) for value in values]


def _as_text(value: Any) -> Any:
    try:
        return as_text(value, "")
    except Dropped:
        return value


def _looked_up(known: dict[Any, str], words: Iterable[Any]) -> list[Any]:
    try:
        return list(map(known.get, words))
    except TypeError:  # one cannot be in a table
        return [known.get(word) if type(word) is str else None for word in words]
