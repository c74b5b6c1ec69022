"""Sums in columns and later changes of them as one, compiled; the slow twin is ``core.ranking.columns``."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from core.bytes.word_kernel import WORD, agreed
from core.codes.item_index import ItemIndex
from core.codes.sums_columns import Amounts
from core.codes.sums_columns_kernel import columns_of, merged
from core.ranking.columns import NOBODY
from core.ranking.greatest_kernel import least_of_greatest
from core.ranking.table_kernel import empty_table, place
from core.rows.codec import unpack_columns


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
    sums, gone, more_codes = amounts.copy(), 0, 0
    for k in range(len(codes)):
        at = place(table, codes[k])
        if table[at] != NOBODY:
            sums[k] += plus[slot[at]]
            new[slot[at]] = False
            gone += sums[k] == 0
    for k in range(len(more)):
        new[k] &= plus[k] != 0
        more_codes += new[k]
    if gone == 0 and more_codes == 0:  # most commits add to what is there
        return codes, sums
    size, n, done = len(codes) - gone + more_codes, 0, 0
    out, totals = np.empty(size, np.int64), np.empty(size, np.int64)
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
        if k < len(more):
            out[n], totals[n] = more[k], plus[k]
            n += 1
    return out, totals


@njit(cache=True, nogil=True)
def _cut(codes, amounts, most):  # type: ignore[no-untyped-def]
    """Return the places of the ``most`` greatest amounts, those of equal ones with the greatest names, as ``cut``."""
    n = len(codes)
    least = least_of_greatest(amounts, most)
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
def _nearest_of_row(codes, amounts, buf, begin, ends, most, places, letters, starts, known):  # type: ignore[no-untyped-def]
    """Return the row's sums, their nearest, and whether some name has no code, in which case nothing else is right."""
    lacking = False
    if len(codes) == 0 and len(ends) > 0:
        codes, amounts, _, lacking = columns_of(buf[begin:], ends[0] - begin, False, places, letters, starts, known)
        begin, ends = ends[0], ends[1:]
    if len(ends) > 0 and not lacking:
        row, end = merged(buf[begin:], ends - begin, False)
        more, plus, _, lacking = columns_of(row, end, False, places, letters, starts, known)
        if not lacking:
            codes, amounts = _added_sums(codes, amounts, more, plus, letters, starts)
    if lacking or len(codes) <= most:
        return codes, amounts, codes, amounts, lacking
    kept = _cut(codes, amounts, most)
    return codes, amounts, codes[kept], amounts[kept], lacking


def nearest_rows(
    rows: Sequence[tuple[Amounts, Sequence[bytes]]], most: int, index: ItemIndex
) -> list[tuple[Amounts, Amounts]]:
    parts = [part for _, own in rows for part in own]
    buf = np.frombuffer(bytearray().join([*parts, bytes(WORD)]), np.uint8)
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    out, begin, first, table = list[tuple[Amounts, Amounts]](), 0, 0, index.table
    for (codes, amounts), own in rows:
        last = first + len(own)
        entries = codes, amounts, buf, begin, ends[first:last], most
        *columns, lacking = _nearest_of_row(*entries, *table)
        if lacking:
            for part in own:
                index.codes(unpack_columns(part)[0])
            table = index.table
            *columns, _ = _nearest_of_row(*entries, *table)
        out.append(((columns[0], columns[1]), (columns[2], columns[3])))
        if own:
            begin, first = int(ends[last - 1]), last
    return out
