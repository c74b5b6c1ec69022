"""Values of the speed views: ``{base, base's attempt, tag, change}`` (design §5 rule 4).

A micro-batch may crash at any write. It therefore never overwrites what counts: it adds a change tagged with its
attempt, and the tag counts only once the position record says that the attempt is committed. The next writer of the
row folds a committed change into the base and discards any other. So any range may be repeated after any crash.
"""

import struct
from collections.abc import Callable

from schemas.control import Position

Merge = Callable[[bytes, bytes], bytes]
_HEAD = struct.Struct("<qqi")  # base's attempt, tag, length of the base (-1: there is none yet)


class NewerBase(Exception):
    """The row was rewritten after the position was read: read the position again and start over (rule 6)."""


def settle(stored: bytes, position: Position, merge: Merge) -> bytes | None:
    """The value that counts at this position; None when nothing committed has touched the row.

    Raises:
        NewerBase: the base holds changes that this position does not know to be committed.
    """
    base_attempt, tag, length = _HEAD.unpack_from(stored)
    if base_attempt > position.attempt:
        raise NewerBase
    middle = _HEAD.size + max(length, 0)
    base = None if length < 0 else stored[_HEAD.size : middle]
    if not position.committed(tag):
        return base
    return stored[middle:] if base is None else merge(base, stored[middle:])


def stage(stored: bytes | None, position: Position, attempt: int, change: bytes, merge: Merge) -> bytes:
    """The row with ``change`` added under the tag ``attempt``, not yet counting."""
    base = None if stored is None else settle(stored, position, merge)
    head = _HEAD.pack(position.attempt, attempt, -1 if base is None else len(base))
    return head + (base or b"") + change
