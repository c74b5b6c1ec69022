"""Values of the speed views: ``{base, base's attempt, tag, change}`` (contract §5 rule 4), and their older parts.

A micro-batch may crash at any write. It therefore never overwrites what counts: it adds a change tagged with its
attempt, and the tag counts only once the position record says that the attempt is committed. The next writer of the
row folds a committed change into the base and discards any other. So any range may be repeated after any crash.

Long rows are kept in two parts that are merged when read, so that a small change does not rewrite all of a row. When
the newer part has outgrown its change, one attempt adds its base to the older part and tags its own change as one
that replaces the base: both count from the same commit on, or neither.
"""

import struct
from collections.abc import Callable

from schemas.control import Position

Merge = Callable[[bytes, bytes], bytes]
# Base's attempt, tag, length of the base (-1: there is none yet), whether the change replaces the base, and about how
# many bytes the row's older part has.
_HEAD = struct.Struct("<qqi?I")
SMALL_BYTES = 1_024  # a base up to this is never moved


class NewerBase(Exception):
    """The row was rewritten after the position was read: read the position again and start over (rule 6)."""


def settle(stored: bytes, position: Position, merge: Merge) -> bytes | None:
    """Return the value that counts at this position; None when nothing committed has touched the row.

    Raises:
        NewerBase: the base holds changes that this position does not know to be committed.
    """
    base_attempt, tag, length, replaces, _ = _HEAD.unpack_from(stored)
    if base_attempt > position.attempt:
        raise NewerBase
    middle = _HEAD.size + max(length, 0)
    base = None if length < 0 else stored[_HEAD.size : middle]
    if not position.committed(tag):
        return base
    return stored[middle:] if base is None or replaces else merge(base, stored[middle:])


def tagged(
    base: bytes | None, position: Position, attempt: int, change: bytes, older: int = 0, replaces: bool = False
) -> bytes:
    """Return the row with ``change`` under the tag ``attempt``, not yet counting; ``older``: its older part's size."""
    head = _HEAD.pack(position.attempt, attempt, -1 if base is None else len(base), replaces, older)
    return head + (base or b"") + change


def older_bytes(stored: bytes | None) -> int:
    """Return what the row knows of its older part's size."""
    return 0 if stored is None else int(_HEAD.unpack_from(stored)[4])


def outgrown(base: bytes, change: bytes, older: int) -> bool:
    """Return whether it is time to move the base to the older part.

    Rewriting a base of b bytes with each change of c costs b a change; moving it into an older part of a bytes costs a
    every b / c changes: least together near b = sqrt(a c).
    """
    return len(base) > SMALL_BYTES and len(base) ** 2 > 4 * older * len(change)
