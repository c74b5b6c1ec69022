"""What records say about items: the last that a kept record says of each field counts."""

from collections.abc import Iterator
from collections.abc import Mapping as Table
from typing import Any

from datasets.fields.acceptance import ImportOptions, Json
from datasets.fields.numbers import number, plain_number
from datasets.files.tally import Tally
from datasets.mapping.expressions import Form, compiled


class Items:
    """The items of a mapping's part ``[item]``, learned from records."""

    def __init__(self, fields: Table[str, Any], options: ImportOptions, tally: Tally, form: Form) -> None:
        self._fields = [(name, compiled(given, f"item.{name}", form)) for name, given in fields.items()]
        self._options, self._tally = options, tally
        self._known: dict[str, dict[str, Any]] = {}

    def learn(self, item_id: str, record: Any, entry: Any, about: Table[str, Any]) -> None:
        """Take what a record says about its item."""
        if not self._fields:
            return
        known = self._known.setdefault(item_id, {})
        for name, read in self._fields:
            value = read(record, entry, about)
            if isinstance(value, str):
                value = value.strip()
                if not value or value in self._options.null:
                    continue
            if value is not None:
                known[name] = value

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


def described(item_id: str, fields: Json) -> Json:
    """Return a catalogue record without its empty fields."""
    return {"item_id": item_id, **{name: value for name, value in fields.items() if value not in (None, "", [])}}
