"""What records say about items: the last that a kept record says of each field counts."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from typing import Any

from datasets.fields.acceptance import Dropped, ImportOptions, Json
from datasets.fields.numbers import number, plain_number
from datasets.files.tally import Tally
from datasets.mapping.batches import Batch, Read, reading
from datasets.mapping.expressions import Form


class Items:
    """The items of a mapping's part ``[item]``, learned from records."""

    def __init__(self, fields: Table[str, Any], options: ImportOptions, tally: Tally, form: Form) -> None:
        self._fields = [(name, reading(given, f"item.{name}", form)) for name, given in fields.items()]
        self._options, self._tally = options, tally
        self._known: dict[str, dict[str, Any]] = {}

    def learn(self, batch: Batch, places: Sequence[int], items: Sequence[str]) -> None:
        """Take what records say about their items. Args: places: of the entries that are events, of these items."""
        if not self._fields:
            return
        for item in dict.fromkeys(items):
            self._known.setdefault(item, {})
        for name, read in self._fields:
            values, done = self._values(name, read, batch), set[str]()
            for item, value in _latest_first(items, [values[place] for place in places]):
                said = value.strip() if isinstance(value, str) else value
                if item in done or said in (None, "") or (isinstance(said, str) and said in self._options.null):
                    continue
                self._known[item][name] = said
                done.add(item)

    def _values(self, name: str, read: Read, batch: Batch) -> Sequence[Any]:
        """Return a field's values; one that cannot be read is noted and is none."""
        try:
            return read.column(batch)
        except (Dropped, ValueError):
            return [self._one(name, read, row) for row in batch.rows()]

    def _one(self, name: str, read: Read, row: tuple[Any, Any, Any]) -> Any:
        try:
            return read.one(*row)
        except (Dropped, ValueError) as reason:
            self._tally.note(f"item's {name} left out: cannot be read", str(reason)[:100])
            return None

    def records(self) -> Iterator[Json]:
        """Yield a catalogue record per item."""
        for item_id, known in self._known.items():
            yield described(item_id, self.priced(known))

    def priced(self, fields: Json) -> Json:
        """Return the fields with a price that is a number, or without one; a text that is no price is noted."""
        if "price" not in fields:
            return fields
        given = fields["price"]
        price = number(given, self._options.decimal) if isinstance(given, str) else plain_number(given)
        if given is not None and (price is None or price < 0):
            self._tally.note("price left out: not a number", str(given))
            price = None
        return {**fields, "price": price}


def _latest_first(items: Sequence[Any], values: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    """Return the pairs from the last to the first, each once where they can be told apart."""
    pairs = zip(reversed(items), reversed(values), strict=True)
    try:
        return dict.fromkeys(pairs)
    except TypeError:  # a value cannot be a key
        return zip(reversed(items), reversed(values), strict=True)


def described(item_id: str, fields: Json) -> Json:
    """Return a catalogue record without its empty fields."""
    return {"item_id": item_id, **{name: value for name, value in fields.items() if value not in (None, "", [])}}
