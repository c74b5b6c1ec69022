"""How many records of a range the lake holds as rejected, by reason: counted from two small columns of its files."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.lake.files import LakeFile, filesystem, require_readable
from schemas.control import Offsets

if TYPE_CHECKING:
    from adapters.log.forgotten import Forgotten


def count_rejected(
    files: tuple[LakeFile, ...], start: Offsets | None, end: Offsets, forgotten: "Forgotten"
) -> dict[str, int]:
    """Return the rejected records from ``start`` to below ``end`` by reason, each (partition, offset) once.

    A crash between the lake's two commits repeats records. A forgotten user's records are those with their key.
    """
    require_readable(files)
    tables = [rows for file in files if (rows := _rows(file, start or {}, end, forgotten)).num_rows]
    if not tables:
        return {}
    table = pa.concat_tables(tables).combine_chunks()
    place = np.rec.fromarrays([table.column(name).to_numpy() for name in ("partition", "offset")])
    _, once = np.unique(place, return_index=True)
    return dict(Counter(table.column("reason").take(pa.array(once)).to_pylist()))


def _rows(file: LakeFile, start: Offsets, end: Offsets, forgotten: "Forgotten") -> pa.Table:
    import pyarrow.dataset as ds

    names = ["partition", "offset", "reason", *(["key"] if forgotten else [])]
    system, path = filesystem(file.uri)
    in_folders = ds.partitioning(pa.schema([("partition", pa.int32())]), flavor="hive")
    rows = ds.dataset([path], filesystem=system, format="parquet", partitioning=in_folders).to_table(names)
    partition, offset = rows.column("partition").to_numpy(), rows.column("offset").to_numpy()
    inside = np.zeros(len(offset), np.bool_)
    for p, stop in end.items():
        inside |= (partition == p) & (offset >= start.get(p, 0)) & (offset < stop)
    rows = rows.filter(pa.array(inside))
    return rows.filter(_counting(rows, forgotten)) if forgotten else rows


def _counting(rows: pa.Table, forgotten: "Forgotten") -> pa.Array:
    """Return which rows no mark of a forgotten user voids."""
    void = pa.array(np.zeros(rows.num_rows, np.bool_))
    for mark in forgotten.values():
        theirs = pc.fill_null(pc.equal(rows.column("key"), pa.scalar(mark.user_id.encode(), pa.binary())), False)
        below = pc.and_(pc.equal(rows.column("partition"), mark.partition), pc.less(rows.column("offset"), mark.offset))
        void = pc.or_(void, pc.and_(theirs, below))
    return pc.invert(void)
