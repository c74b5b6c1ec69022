"""What a network learns from: each user's items in the order in which they were last touched, cut into pieces."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommenders.neural.network import NOBODY, Batch, Rows
from recommenders.port import Ints, Standing

HELD_OUT = 0.05  # of the users, for the decision when a fit ends
FEWEST_USERS = 20  # that a slice is held out of
LEFT_OUT = -1e9  # what takes a drawn row out of a sum of exponentials


@dataclass(frozen=True)
class Histories:
    """``item``: codes, history after history; history k is of ``user[k]`` and begins at ``starts[k]``.

    One of fewer than two items is out.
    """

    item: Ints
    starts: Ints
    user: Ints

    @staticmethod
    def of(standing: Standing) -> "Histories":
        """Return the histories of all who touched two items or more."""
        users, user, count = np.unique(standing.user, return_inverse=True, return_counts=True)
        order = np.lexsort((standing.touched, user))
        order = order[count[user[order]] > 1]
        return Histories(standing.item[order], np.r_[0, np.cumsum(count[count > 1])], users[count > 1])

    def __len__(self) -> int:
        return len(self.starts) - 1

    def held_out(self, seed: int) -> tuple["Histories", "Histories"]:
        """Return those to learn from and the held-out ones; none are held out of few.

        Users are drawn by a hash of their own, so that who is held out of a log is held out of what it grows to: a fit
        that begins with the model before is judged on users whom that model did not learn from either.
        """
        held = np.zeros(len(self), np.bool_)
        if len(self) >= FEWEST_USERS:
            order = np.argsort(_mixed(self.user, seed), kind="stable")
            held[order[: max(1, int(HELD_OUT * len(self)))]] = True
        return self._only(~held), self._only(held)

    def _only(self, kept: NDArray[np.bool_]) -> "Histories":
        sizes = np.diff(self.starts)
        return Histories(self.item[np.repeat(kept, sizes)], np.r_[0, np.cumsum(sizes[kept])], self.user[kept])

    def windows(self, length: int) -> tuple[Ints, Ints]:
        """Return pieces of ``length`` items and what came after each item, both (pieces, length), the newest whole."""
        inputs, targets = [], []
        for start, end in zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True):
            for last in range(end - 1, start, -length):
                first = max(start, last - length)
                row = np.full((2, length), NOBODY, np.int64)
                row[0, : last - first], row[1, : last - first] = self.item[first:last], self.item[first + 1 : last + 1]
                inputs.append(row[0])
                targets.append(row[1])
        shape = (-1, length)
        return np.array(inputs, np.int64).reshape(shape), np.array(targets, np.int64).reshape(shape)

    def neighbours(self, reach: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Return each item and another of its history at most ``reach`` places away, drawn, both (items, 1)."""
        sizes = np.diff(self.starts)
        begin, end = np.repeat(self.starts[:-1], sizes), np.repeat(self.starts[1:], sizes)
        at = np.arange(len(self.item))
        first, last = np.maximum(begin, at - reach), np.minimum(end - 1, at + reach)
        place = first + np.floor(rng.random(len(at)) * (last - first)).astype(np.int64)
        place += place >= at  # never itself
        return self.item[:, None], self.item[place][:, None]


def _mixed(numbers: Ints, seed: int) -> NDArray[np.uint64]:
    """Return a hash of each number (the finalizer of SplitMix64)."""
    z = numbers.astype(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def drawn_part(pairs: tuple[Ints, Ints], most: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return pieces with about ``most`` items that came next, drawn; all pieces where there are no more."""
    inputs, targets = pairs
    counts = (targets != NOBODY).sum(axis=1)
    if counts.sum() <= most:
        return pairs
    order = rng.permutation(len(targets))
    kept = order[: int(np.searchsorted(np.cumsum(counts[order]), most)) + 1]
    return inputs[kept], targets[kept]


def batches(pairs: tuple[Ints, Ints], size: int, items: int, drawn: int, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield the pieces in an order that is drawn, ``size`` at once, the last filled up; each with rows drawn anew."""
    inputs, targets = pairs
    order = rng.permutation(len(inputs))
    for first in range(0, len(order), size):
        rows = order[first : first + size]
        short = ((0, size - len(rows)), (0, 0))
        yield Batch(
            np.pad(inputs[rows], short, constant_values=NOBODY).astype(np.int32),
            np.pad(targets[rows], short, constant_values=NOBODY).astype(np.int32),
            *_drawn(items, drawn, rng),
        )


def _drawn(items: int, most: int, rng: np.random.Generator) -> tuple[Rows, NDArray[np.float32]]:
    """Return ``most`` distinct rows and what stands for those that were not drawn, as a logarithm; all, if few."""
    if items > most:
        rows = rng.choice(items, most, replace=False)
        return rows.astype(np.int32), np.full(most, np.log(items / most), np.float32)
    rows, known = np.arange(most), np.arange(most) < items
    return np.where(known, rows, 0).astype(np.int32), np.where(known, 0.0, LEFT_OUT).astype(np.float32)
