"""What a trained model is stored as: facts, item names and named arrays, in rows that any store takes.

========  ===============================================================================================
meta      JSON: ``facts``, the number of items, and each array's dtype, shape and rows per chunk
names     ``names/000000``…: item names as packed sums (amount: the item's row)
arrays    ``NAME/000000``…: the array's bytes, C order, cut along its first axis
========  ===============================================================================================
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.rows.codec import pack_sums, unpack_columns

ROW_BYTES = 1 << 20  # of a chunk: a store may refuse rows of some megabytes
ROWS_AT_ONCE = 8  # in one request's time
NAMES_PER_CHUNK = 4_096  # of at most 256 characters
META = b"meta"

Read = Callable[[Sequence[bytes]], Mapping[bytes, bytes]]


@dataclass(frozen=True)
class Artefact:
    """``facts`` must be JSON; ``items`` ascend by UTF-8 bytes when stored; ``arrays`` by name."""

    facts: dict[str, Any]
    items: list[bytes] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows of the model's space, the meta row last: a model without it does not exist."""
        shapes = {}
        for chunk, first in enumerate(range(0, len(self.items), NAMES_PER_CHUNK)):
            names = self.items[first : first + NAMES_PER_CHUNK]
            yield _key("names", chunk), pack_sums((name, first + k) for k, name in enumerate(names))
        for name, array in self.arrays.items():
            per_chunk = max(1, ROW_BYTES // max(1, array[:1].nbytes))
            shapes[name] = {"dtype": array.dtype.str, "shape": array.shape, "rows_per_chunk": per_chunk}
            for chunk, first in enumerate(range(0, len(array), per_chunk)):
                yield _key(name, chunk), np.ascontiguousarray(array[first : first + per_chunk]).tobytes()
        meta = {"facts": self.facts, "items": len(self.items), "names_per_chunk": NAMES_PER_CHUNK, "arrays": shapes}
        yield META, json.dumps(meta).encode()

    @staticmethod
    def read(read: Read) -> "Artefact | None":
        """Return what ``rows`` made; None when a row is missing. ``read`` gives the rows that exist of some keys."""
        if (head := read([META]).get(META)) is None:
            return None
        meta = json.loads(head)
        names = _joined(read, "names", -(-meta["items"] // meta["names_per_chunk"]))
        if names is None:
            return None
        arrays = {}
        for name, form in meta["arrays"].items():
            chunks = _joined(read, name, -(-form["shape"][0] // form["rows_per_chunk"]))
            if chunks is None:
                return None
            arrays[name] = np.frombuffer(bytearray().join(chunks), np.dtype(form["dtype"])).reshape(form["shape"])
        return Artefact(meta["facts"], [name for chunk in names for name in unpack_columns(chunk)[0]], arrays)


def _key(name: str, chunk: int) -> bytes:
    return f"{name}/{chunk:06d}".encode()


def _joined(read: Read, name: str, chunks: int) -> list[bytes] | None:
    """Return the rows of a name in order; None when one is missing."""
    keys = [_key(name, chunk) for chunk in range(chunks)]
    out: list[bytes] = []
    for first in range(0, len(keys), ROWS_AT_ONCE):
        chunk_keys = keys[first : first + ROWS_AT_ONCE]
        rows = read(chunk_keys)
        if any(key not in rows for key in chunk_keys):
            return None
        out += [rows[key] for key in chunk_keys]
    return out
