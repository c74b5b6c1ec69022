"""Sums in columns and later changes of them as one, compiled; the slow twin is ``core.ranking.columns``."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, agreed
from core.codes.item_index import ItemIndex
from core.codes.sums_columns import Amounts
from core.codes.sums_columns_kernel import columns_of
from core.ranking.columns import NOBODY
from core.ranking.greatest_kernel import greatest
from core.ranking.table_kernel import empty_table, place
from core.rows.codec import unpack_columns
from core.rows.sums_kernel import opened


@njit(cache=True, nogil=True)
def name_precedes(code, other, letters, starts):  # type: ignore[no-untyped-def]
    """Return whether the name of the one code comes before that of the other, by their bytes."""
    long, other_long = starts[code + 1] - starts[code], starts[other + 1] - starts[other]
    least = min(long, other_long)
    same = agreed(letters, starts[code], letters, starts[other], least)
    if same < least:
        return letters[starts[code] + same] < letters[starts[other] + same]
    return long < other_long


@njit(cache=True, nogil=True)
def precedes(score, code, other_score, other, letters, starts):  # type: ignore[no-untyped-def]
    """Return whether the one entry of a list comes before the other: by score descending, then by the name's bytes."""
    if score != other_score:
        return score > other_score
    return name_precedes(code, other, letters, starts)


@njit(cache=True, nogil=True)
def _added_sums(codes, amounts, more, plus, letters, starts):  # type: ignore[no-untyped-def]
    """Return both sums as one; most of ``more`` are among ``codes``, of which there are many more."""
    table, new = empty_table(len(more)), np.ones(len(more), np.bool_)
    slot = np.empty(len(table), np.int64)
    for k in range(len(more)):
        at = place(table, more[k])
        table[at], slot[at] = more[k], k
    sums = amounts.copy()
    for k in range(len(codes)):
        at = place(table, codes[k])
        if table[at] != NOBODY:
            sums[k] += plus[slot[at]]
            new[slot[at]] = False
    out, totals, n, done = np.empty(len(codes) + len(more), np.int64), np.empty(len(codes) + len(more), np.int64), 0, 0
    for k in range(len(more) + 1):
        end = len(codes)
        if k < len(more):
            if not new[k]:
                continue
            low = done
            while low < end:
                middle = (low + end) // 2
                if name_precedes(codes[middle], more[k], letters, starts):
                    low = middle + 1
                else:
                    end = middle
        for at in range(done, end):
            if sums[at] != 0:
                out[n], totals[n] = codes[at], sums[at]
                n += 1
        done = end
        if k < len(more) and plus[k] != 0:
            out[n], totals[n] = more[k], plus[k]
            n += 1
    return out[:n].copy(), totals[:n].copy()


@njit(cache=True, nogil=True)
def _cut(codes, amounts, most):  # type: ignore[no-untyped-def]
    """Return the places of the ``most`` greatest amounts, those of equal ones with the greatest names, as ``cut``."""
    n = len(codes)
    least = greatest(amounts, most)[-1]
    out, at = np.empty(most, np.int64), 0
    for k in range(n):
        if amounts[k] > least:
            out[at] = k
            at += 1
    for k in range(n - 1, -1, -1):
        if at == most:
            break
        if amounts[k] == least:
            out[at] = k
            at += 1
    return out


@njit(cache=True, nogil=True)
def _nearest_sums(codes, amounts, buf, begin, ends, most, places, letters, starts, known):  # type: ignore[no-untyped-def]
    lacking = False
    for end in ends:
        more, plus, _, unknown = columns_of(buf[begin:], end - begin, False, places, letters, starts, known)
        begin, lacking = end, lacking or unknown
        if lacking:
            break
        codes, amounts = (_added_sums(codes, amounts, more, plus, letters, starts)) if len(codes) else (more, plus)
    if lacking or len(codes) <= most:
        return codes, amounts, codes, amounts, lacking
    kept = _cut(codes, amounts, most)
    return codes, amounts, codes[kept], amounts[kept], lacking


@njit(cache=True, nogil=True)
def _nearest_of_rows(codes, amounts, buf, ends, bounds, most, places, letters, starts, known):  # type: ignore[no-untyped-def]
    """Return all rows' sums end to end, then their nearest, and the sizes of both; and whether some name has no code.

    Args: bounds: where each row's sums begin, and its parts among ``ends``; shape (2, rows + 1).
    """
    rows, room, begin = bounds.shape[1] - 1, len(codes), 0
    for end in ends:
        room += opened(buf[begin:], 0)[0]
        begin = end
    out, sizes, at = np.empty((2, room + rows * most), np.int64), np.empty((2, rows), np.int64), 0
    nearest, near_at, lacking = np.empty((2, rows * most), np.int64), 0, False
    for row in range(rows):
        part, own = slice(bounds[0, row], bounds[0, row + 1]), slice(bounds[1, row], bounds[1, row + 1])
        first = ends[bounds[1, row] - 1] if bounds[1, row] > 0 else 0
        sums, theirs, near, nears, unknown = _nearest_sums(
            codes[part], amounts[part], buf, first, ends[own], most, places, letters, starts, known
        )
        lacking |= unknown
        if lacking:
            break
        n, m = len(sums), len(near)
        out[0, at : at + n], out[1, at : at + n] = sums, theirs
        nearest[0, near_at : near_at + m], nearest[1, near_at : near_at + m] = near, nears
        sizes[0, row], sizes[1, row] = n, m
        at, near_at = at + n, near_at + m
    if not lacking:
        out[:, at : at + near_at] = nearest[:, :near_at]
    return out, sizes, lacking


def nearest_rows(
    rows: Sequence[tuple[Amounts, Sequence[bytes]]], most: int, index: ItemIndex
) -> list[tuple[Amounts, Amounts]]:
    parts = [part for _, own in rows for part in own]
    buf = np.frombuffer(bytearray().join([*parts, bytes(WORD)]), np.uint8)
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    bounds = np.zeros((2, len(rows) + 1), np.int64)
    np.cumsum([(len(sums[0]), len(own)) for sums, own in rows], axis=0, out=bounds.T[1:])
    codes, amounts = (np.concatenate([sums[column] for sums, _ in rows]) for column in (0, 1))
    out, sizes, lacking = _nearest_of_rows(codes, amounts, buf, ends, bounds, most, *index.table)
    if lacking:
        for part in parts:
            index.codes(unpack_columns(part)[0])
        out, sizes, _ = _nearest_of_rows(codes, amounts, buf, ends, bounds, most, *index.table)
    sums_of_rows, (own_sizes, near_sizes) = list[tuple[Amounts, Amounts]](), sizes.tolist()
    at, near_at = 0, sum(own_sizes)
    for size, near in zip(own_sizes, near_sizes, strict=True):
        whole, cut = out[:, at : at + size].copy(), out[:, near_at : near_at + near].copy()  # they outlive each other
        sums_of_rows.append(((whole[0], whole[1]), (cut[0], cut[1])))
        at, near_at = at + size, near_at + near
    return sums_of_rows
