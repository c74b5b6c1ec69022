"""Many records at once: the entries that become events, and the columns of values that expressions read of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, NamedTuple, Protocol, cast

from datasets.fields.acceptance import Dropped, LeftOut
from datasets.mapping.envelopes import Unwrapped
from datasets.mapping.expressions import ABOUT_MARK, ENTRY, Expression, Form, compiled
from datasets.mapping.paths import parse_path

NOTHING: Table[str, Any] = {}
Column = Callable[["Batch"], Sequence[Any]]  # raises what the expression raises for one of the entries


@dataclass(frozen=True)
class Batch:
    """Entries with all that ``Engine.event`` takes of each, by place.

    ``records`` are objects or the rows of a table; ``entries`` are the same unless a record has several.
    ``ids``: what names an event where the mapping does not.   ``ops``: Debezium's operations; empty for none.
    """

    records: Sequence[Any]
    entries: Sequence[Any]
    ids: Sequence[str]
    about: Iterable[Table[str, Any]] = field(default_factory=lambda: repeat(NOTHING))
    ops: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.records)

    def rows(self) -> Iterator[tuple[Any, Any, Table[str, Any]]]:
        """Yield what an expression takes, for each entry."""
        return zip(self.records, self.entries, self.about, strict=False)

    def member(self, name: str) -> Sequence[Any]:
        """Return the records' members of that name; None where a record has none."""
        column = getattr(self.records, "column", None)  # of a table, which has it already
        if column:
            return cast("Sequence[Any]", column(name))
        try:
            return [record[name] for record in self.records]
        except KeyError:
            return [record.get(name) for record in self.records]


class Read(NamedTuple):
    """One expression for an entry, and for all entries of a batch."""

    one: Expression
    column: Column


def reading(given: Any, field: str, form: Form) -> Read:
    """Return an expression of a mapping as functions. Raises BadInput."""
    one = compiled(given, field, form)
    return Read(one, _column(given, one, form))


def _column(given: Any, one: Expression, form: Form) -> Column:
    table = {"path": given} if isinstance(given, str) else given
    if table.keys() == {"const"}:
        return lambda batch: [table["const"]] * len(batch)
    path = table["path"] if table.keys() == {"path"} else ""
    if not path or path[0] == ABOUT_MARK or path == ENTRY or path.startswith(f"{ENTRY}."):
        return lambda batch: [one(*row) for row in batch.rows()]
    steps = () if form.flat else parse_path(path)
    if form.flat or steps == (path,):
        return lambda batch: batch.member(path)
    if len(steps) == 2 and all(isinstance(step, str) for step in steps):
        return _of_two(path, *cast("tuple[str, str]", steps), one)
    return lambda batch: [one(*row) for row in batch.rows()]


def _of_two(path: str, first: str, second: str, one: Expression) -> Column:
    """Return the column of a path of two names, as nearly every record has it; ``one`` reads the others."""

    def column(batch: Batch) -> Sequence[Any]:
        with suppress(KeyError, TypeError):
            return [record[path] if path in record else record[first][second] for record in batch.records]
        return [one(*row) for row in batch.rows()]

    return column


class Flattening(Protocol):
    """What ``flattened`` needs of an engine, which has what each member does."""

    is_one_event: bool
    no_entry: str

    def inner(self, value: Any) -> Sequence[Any]: ...
    def unwrap(self, value: Any) -> Sequence[Unwrapped]: ...
    def entries(self, record: Any) -> Sequence[Any]: ...


class Flat(NamedTuple):
    """The entries of several values.

    ``owners``: for each entry the place of its value.   ``failures``: per place why a value, or a record in it, has no
    entries; a ``LeftOut`` is no error.
    """

    batch: Batch
    owners: Sequence[int]
    failures: list[tuple[int, Dropped]]


class Names(NamedTuple):
    """What names events where the mapping does not: for each value the id of its first event, and of a later one.

    ``later`` takes the place of the value and the place of the event in it.
    """

    first: Sequence[str]
    later: Callable[[int, int], str]


About = Callable[[int, Unwrapped], Table[str, Any]]  # what is known of a value besides itself


def flattened(engine: Flattening, values: Sequence[Any], names: Names, about: About | None) -> Flat:
    """Return the entries of decoded values. Args: about: None where the mapping does not ask for it."""
    if engine.is_one_event and about is None and (hasattr(values, "column") or set(map(type, values)) == {dict}):
        return Flat(Batch(values, values, names.first), range(len(values)), [])
    rows, failures = list[tuple[Any, ...]](), list[tuple[int, Dropped]]()
    for place, value in enumerate(values):
        index = 0
        for one, inner in _unwrapped(engine, place, value, failures):
            said = NOTHING if about is None else about(place, one)
            for entry in inner:
                name = names.later(place, index) if index else names.first[place]
                rows.append((one.record, entry, name, said, one.op, place))
                index += 1
    records, entries, ids, known, ops, owners = zip(*rows, strict=True) if rows else ((),) * 6
    return Flat(Batch(records, entries, ids, known, ops if any(ops) else ()), owners, failures)


def _unwrapped(
    engine: Flattening, place: int, value: Any, failures: list[tuple[int, Dropped]]
) -> Iterator[tuple[Unwrapped, Sequence[Any]]]:
    """Yield the records in a value, each with its entries; what has none is a failure."""
    for wrapped in engine.inner(value):
        try:
            records = [(one, engine.entries(one.record)) for one in engine.unwrap(wrapped)]
        except Dropped as reason:
            failures.append((place, reason))
            continue
        failures += [(place, LeftOut(engine.no_entry)) for _, inner in records if not inner]
        yield from records
