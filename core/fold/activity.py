"""Counters of activity over columns: events by hour, kind and dimension, and each hour's active users."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.bytes.binary_columns import binary, octets
from core.bytes.word_kernel import padded
from core.fold.activity_kernel import count_kinds, highest_ranks, hosts, names_of
from core.rows.activity import activity_key, label
from core.rows.codec import bucket_key
from core.rows.sketch import REGISTERS
from core.rows.sketch_kernel import pack_sketches, places
from core.rows.sums_kernel import pack_rows
from schemas.event import BUCKET_MS
from schemas.rules import DIMENSIONS

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
_NO_TOUCHES = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Labels:
    """A column as codes: positions in ``values``, which are distinct and ascend by their bytes."""

    codes: Ints
    values: pa.BinaryArray

    @staticmethod
    def of(column: pa.StringArray) -> "Labels":
        """Return a text column's labels (``core.rows.activity.label``); null is the empty one."""
        encoded = column.dictionary_encode(null_encoding="encode")
        labels = list(map(label, encoded.dictionary.to_pylist()))
        values = sorted(set(labels))
        code = np.array(list(map({value: number for number, value in enumerate(values)}.__getitem__, labels)), np.int64)
        return Labels(code[encoded.indices.to_numpy()], pa.array([value.encode() for value in values], pa.binary()))


@dataclass(frozen=True)
class Activity:
    """What the counters take of a batch of events.

    ``user``: each event's position in ``people``; ``item``: each event's position in ``items``, which ascend by bytes.
    ``dimensions``: those counted besides ``all``.
    """

    events: pa.RecordBatch
    user: Ints
    people: pa.BinaryArray
    item: Ints
    items: pa.BinaryArray
    dimensions: tuple[str, ...]

    def counts(self, counted: Mask) -> tuple[pa.BinaryArray, pa.BinaryArray]:
        """Return keys and packed sums of the view of activity, of those events that are ``counted``."""
        kinds = len(self._kinds.values)
        codes, values = self._codes
        base = np.r_[0, np.cumsum((int(self._hours.max()) + 1) * kinds * values)]
        keys, amounts = count_kinds(counted, self._hours, self._kinds.codes, codes, kinds, values, base)
        order = np.argsort(keys)
        keys, amounts = keys[order], amounts[order]
        dimension = np.repeat(np.arange(len(codes)), np.diff(np.searchsorted(keys, base)))
        place, kind = np.divmod(keys - base[dimension], kinds)
        hour, value = np.divmod(place, values[dimension])
        begins = np.flatnonzero(np.r_[True, (hour[1:] != hour[:-1]) | (dimension[1:] != dimension[:-1])])
        text, starts = names_of(dimension, value, kind, *self._places)
        packed = pack_rows(np.r_[begins, len(keys)], np.arange(len(keys)), amounts, _NO_TOUCHES, starts, text)
        rows = zip(dimension[begins].tolist(), (hour[begins] + self._first).tolist(), strict=True)
        names = ("all", *self.dimensions)
        return pa.array([activity_key(names[d], bucket) for d, bucket in rows], pa.binary()), binary(*packed)

    def actives(self, counted: Mask) -> tuple[pa.BinaryArray, pa.BinaryArray]:
        """Return keys and packed sketches of the view of active users, of those events that are ``counted``."""
        keys, ranks = highest_ranks(counted, self._hours, self.user, *self._registers, REGISTERS)
        order = np.argsort(keys)
        hour, register = np.divmod(keys[order], REGISTERS)
        begins = np.flatnonzero(np.r_[True, hour[1:] != hour[:-1]])
        packed = pack_sketches(np.r_[begins, len(keys)], register, ranks[order])
        rows = (hour[begins] + self._first).tolist()
        return pa.array([bucket_key(bucket) for bucket in rows], pa.binary()), binary(*packed)

    @cached_property
    def _buckets(self) -> Ints:
        buckets: Ints = self.events.column("event_time").to_numpy() // BUCKET_MS
        return buckets

    @cached_property
    def _first(self) -> int:
        return int(self._buckets.min())

    @cached_property
    def _hours(self) -> Ints:
        return self._buckets - self._first

    @cached_property
    def _registers(self) -> tuple[Ints, Ints]:
        text, starts = octets(self.people)
        register, rank = places(padded(text), starts)
        return register, rank

    @cached_property
    def _kinds(self) -> Labels:
        return Labels.of(self.events.column("kind"))

    @cached_property
    def _labels(self) -> dict[str, Labels]:
        """The labels of each field that a counted dimension needs."""
        fields = dict.fromkeys(field for dimension in self.dimensions for field in DIMENSIONS[dimension])
        return {field: self._labels_of(field) for field in fields}

    def _labels_of(self, field: str) -> Labels:
        if field == "item_id":
            return Labels(self.item, self.items)
        column = self.events.column(field)
        if field == "referrer":
            column = binary(*hosts(*octets(column.cast(pa.binary())))).cast(pa.string())
        return Labels.of(column)

    @cached_property
    def _codes(self) -> tuple[Ints, Ints]:
        """The code of each event's value, shape (dimensions, events), ``all`` first, and how many values each has."""
        rows, sizes = [np.zeros(self.events.num_rows, np.int64)], [1]
        for dimension in self.dimensions:
            parts = [self._labels[field] for field in DIMENSIONS[dimension]]
            code, size = parts[0].codes, len(parts[0].values)
            for part in parts[1:]:
                code, size = code * len(part.values) + part.codes, size * len(part.values)
            rows.append(code)
            sizes.append(size)
        return np.stack(rows), np.array(sizes, np.int64)

    @cached_property
    def _places(self) -> tuple[Ints, Ints, Ints, NDArray[np.uint8], Ints]:
        """Where the texts of each dimension's parts begin, how many second parts there are, and all texts."""
        columns, base, at = [self._kinds.values], {}, len(self._kinds.values)
        for field, labels in self._labels.items():
            base[field] = at
            columns.append(labels.values)
            at += len(labels.values)
        text, starts = octets(pa.concat_arrays(columns))
        fields = [DIMENSIONS[name] for name in ("all", *self.dimensions)]
        first = [base[parts[0]] if parts else -1 for parts in fields]
        second = [base[parts[1]] if len(parts) > 1 else -1 for parts in fields]
        seconds = [len(self._labels[parts[1]].values) if len(parts) > 1 else 1 for parts in fields]
        return np.array(first), np.array(second), np.array(seconds), padded(text), starts
