"""Many packed rows as one array of bytes and where each begins and ends: what the compiled kernels of rows take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.bytes.binary_columns import binary, octets
from core.bytes.word_kernel import WORD, padded

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Packed:
    """Row r is ``data[first[r]:end[r]]``; an empty one stands for none. ``data`` is ``padded``."""

    data: NDArray[np.uint8]
    first: Ints
    end: Ints

    @staticmethod
    def of(values: Sequence[bytes | None]) -> "Packed":
        """Return the rows given; None stands for a missing row."""
        parts = [value or b"" for value in values]
        starts = np.cumsum([0, *map(len, parts)])
        return Packed(np.frombuffer(b"".join([*parts, bytes(WORD)]), np.uint8), starts[:-1], starts[1:])

    @staticmethod
    def of_column(column: pa.BinaryArray) -> "Packed":
        """Return the rows of a column; null stands for a missing row."""
        data, starts = octets(column)
        return Packed(padded(data), starts[:-1], starts[1:])

    @staticmethod
    def of_kernel(data: NDArray[np.uint8], starts: Ints) -> "Packed":
        """Return rows that a kernel has written end to end."""
        return Packed(data, starts[:-1], starts[1:])

    @staticmethod
    def joined(parts: Iterable["Packed"]) -> "Packed":
        """Return the rows of all parts, in their order."""
        pieces = list(parts)
        if len(pieces) == 1:
            return pieces[0]
        shifts = np.cumsum([0, *(len(part.data) for part in pieces)]).tolist()
        first = [part.first + shift for part, shift in zip(pieces, shifts, strict=False)]
        end = [part.end + shift for part, shift in zip(pieces, shifts, strict=False)]
        return Packed(np.concatenate([part.data for part in pieces]), np.concatenate(first), np.concatenate(end))

    def __len__(self) -> int:
        return len(self.first)

    @property
    def sizes(self) -> Ints:
        """Bytes of each row."""
        return self.end - self.first

    def take(self, rows: Ints | slice) -> "Packed":
        """Return those rows, in that order."""
        return Packed(self.data, self.first[rows], self.end[rows])

    def kept(self, wanted: NDArray[np.bool_]) -> "Packed":
        """Return as many rows, of which the unwanted ones are missing."""
        return Packed(self.data, self.first, np.where(wanted, self.end, self.first))

    def column(self) -> pa.BinaryArray:
        """Return the rows as a column; empty ones stay empty."""
        starts = np.r_[0, np.cumsum(self.sizes)]
        if np.array_equal(self.first, starts[:-1]):
            return binary(self.data[: starts[-1]], starts)
        return pa.array(self.values(), pa.binary())

    def values(self) -> list[bytes]:
        """Return each row's bytes, b"" for a missing row."""
        whole = self.data.tobytes()
        return [whole[at:end] for at, end in zip(self.first.tolist(), self.end.tolist(), strict=True)]
