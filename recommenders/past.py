"""What models learn from: all that lies below a generation's boundary."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import Item

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Size:
    """How many (user, item) pairs stand, of how many users and items."""

    ratings: int
    users: int
    items: int


@dataclass(frozen=True)
class Standing:
    """The pairs that stand, as columns of equal length; unique and ascending by user, then item.

    ``items``: names by code, ascending by UTF-8 bytes where they will be served. ``user``: any integers, one for each
    user. ``item``: codes. ``rating``: the greatest weight of a pair that was not retracted last, thousandths.
    ``touched``: numbers that put a user's pairs in the order of their last touch; empty where nobody knows it.
    """

    items: list[bytes]
    user: Ints
    item: Ints
    rating: Ints
    touched: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


class Pieces(NamedTuple):
    """What a sentence encoder reads: the names of its pieces of words by number, and its vector of each as rows."""

    names: Sequence[str]
    vectors: NDArray[np.float32]


class Pictured(NamedTuple):
    """Items with pictures, ascending by UTF-8 bytes, and what these look like: vectors of length 1, a row each."""

    items: list[bytes]
    vectors: NDArray[np.float32]


class Past(Protocol):
    """What a generation learns from: all that lies below its boundary.

    ``seed``: of every random number. ``scratch``: a path that all machines of the engine reach; left empty.
    ``from_scratch``: ignore the model before. ``say`` reports one line for people.
    """

    @property
    def seed(self) -> int: ...

    @property
    def scratch(self) -> str: ...

    @property
    def from_scratch(self) -> bool: ...

    def say(self, line: str, /) -> None: ...

    def leave_out(self, name: str, why: str, /) -> None:
        """Report that this recommender has nothing to answer by, and why."""

    def progress(self, what: str, total: int, /) -> AbstractContextManager[Callable[..., None]]:
        """Show how far work has come while the block runs, which calls ``(done, now="what")``."""

    def size(self) -> Size:
        """Count what stands, the users within a few per cent."""

    def standing(self) -> Standing:
        """Return all pairs in memory, 28 bytes each and the items' names."""

    def records(self) -> Mapping[bytes, Item]:
        """Return the catalogue's records by item, without those that were deleted."""

    def encoded(self, texts: Sequence[str], text_model: str, /) -> NDArray[np.float32] | None:
        """Return a vector of length 1 for each text by a sentence encoder; None, with a sentence, where there is none.

        Args: text_model: the encoder's folder; empty: the one that is installed.
        """

    def pieces(self, text_model: str, /) -> Pieces | None:
        """Return the pieces that this encoder reads; None where there is none."""

    def pictured(self) -> Pictured | None:
        """Return the items that have pictures; None while no pictures are indexed."""

    def frame(self) -> "DataFrame":
        """Return (user_id, item_id, rating) as the engine's table, for models that do not fit one process."""
