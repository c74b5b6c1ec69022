"""What a list holds beside the best: new items that are given a chance, and no more of one category than asked for.

Chance is drawn from the user, the place in the list and the item, so the same answer has the same list.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile
from typing import Generic, TypeVar

import numpy as np

from core.ranking.columns import Floats, Ints
from core.ranking.scores import PRIOR

NEIGHBOURING = 10  # rows among which a category is capped
AHEAD = 200  # rows that are looked through for one of another category
DRAW_BITS = 53

T = TypeVar("T")


@dataclass(frozen=True)
class Variety:
    """``explore``: the share of places that new items get. ``per_category``: of one in ten rows; 0: any number."""

    explore: float = 0.0
    per_category: int = 0


BEST_ALONE = Variety()


def drawn(*seed: bytes) -> float:
    """Return a number above 0 and below 1, as if drawn evenly; the same for the same seed."""
    digest = blake2b(digest_size=8)
    for part in seed:
        digest.update(len(part).to_bytes(4, "big") + part)
    whole = int.from_bytes(digest.digest(), "big") >> (64 - DRAW_BITS)
    return float((whole + 0.5) / 2**DRAW_BITS)


def sampled_rates(count: Ints, baseline: Ints, ratio: float, draws: Floats) -> Floats:
    """Return for each item a draw of how many times as often it occurs as in its baseline (Thompson 1933).

    Its posterior is that of the trend (``core.ranking.scores``), whose score is a quantile of it.

    Args: count: c.      baseline: C.      ratio: R; 0 where it is unknown.      draws: a quantile for each item.
    """
    from scipy.special import betaincinv

    known = ratio or 1.0
    share = betaincinv(count + PRIOR, baseline + PRIOR * known, draws)
    rates: Floats = known * share / np.maximum(1 - share, 1e-300)
    return rates


@dataclass(frozen=True)
class Chances(Generic[T]):
    """New items that are given a chance in a user's list: ``waiting``, the one that comes first at the front.

    ``share``: of the places. ``placed``: the row of an item in the place of another row.
    """

    user: bytes
    share: float
    waiting: Sequence[bytes]
    placed: Callable[[bytes, T], T]


def explored(ranking: Iterable[tuple[bytes, T]], chances: Chances[T]) -> Iterator[tuple[bytes, T]]:
    """Yield the ranking with new items in a share of its places, each item once."""
    waiting, listed, place = list(chances.waiting), set[bytes](), 0
    for name, row in ranking:
        while waiting and drawn(b"place", chances.user, b"%d" % place) < chances.share:
            if (chosen := waiting.pop(0)) not in listed:
                listed.add(chosen)
                place += 1
                yield chosen, chances.placed(chosen, row)
        if name not in listed:
            listed.add(name)
            place += 1
            yield name, row


@dataclass(frozen=True)
class Place(Generic[T]):
    """A row of a ranking as the cap sees it; one without a category may stand anywhere, a ``pinned`` one stays."""

    category: str | None
    row: T
    pinned: bool = False


def capped(rows: Iterable[Place[T]], most: int) -> Iterator[T]:
    """Yield the rows so that of ``NEIGHBOURING`` ones at most ``most`` are of one category, as far as others are there.

    Args: rows: best first; a pinned one keeps its number and is of no category here.
    """
    rest, ahead, before = enumerate(rows), list[tuple[int, Place[T]]](), list[str | None]()
    while True:
        while len(ahead) < AHEAD and (following := next(rest, None)) is not None:
            ahead.append(following)
        if not ahead:
            return
        near = before[-(NEIGHBOURING - 1) :] if NEIGHBOURING > 1 else []
        _, place = ahead.pop(_next(ahead, len(before), near, most))
        before.append(None if place.pinned else place.category)
        yield place.row


def _next(ahead: Sequence[tuple[int, Place[T]]], number: int, near: Sequence[str | None], most: int) -> int:
    """Return which of the rows ahead gets that number: the one pinned to it, else the best that the cap allows."""
    passed = takewhile(lambda entry: entry[1][0] <= number, enumerate(ahead))
    if (pinned := next((k for k, (_, place) in passed if place.pinned), None)) is not None:
        return pinned
    others = [k for k, (_, place) in enumerate(ahead) if not place.pinned]
    free = (k for k in others if (own := ahead[k][1].category) is None or near.count(own) < most)
    return next(free, others[0] if others else 0)
