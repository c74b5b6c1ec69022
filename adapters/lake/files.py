"""The lake's Parquet files as tasks read them: straight into Arrow, without the engine's reader (decision 29).

The engine's own reader turns each event from columns into a row and back, which costs more than the fold.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from adapters.log.forgotten import counting
from core.events.described import described
from core.events.parse import weights
from schemas.control import Offsets
from schemas.errors import SettingsError
from schemas.event import DESCRIBING, EVENT_COLUMNS, STORED_COLUMNS
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset, Expression
    from pyarrow.fs import FileSystem

    from adapters.log.forgotten import Forgotten

BYTES_PER_EVENT = 25  # in a file, at least
RAW = "raw"  # the column that holds the whole record


@dataclass(frozen=True)
class LakeFile:
    """One Parquet file by its path or URI; ``size`` in bytes.

    Its number of rows, its partition, and its first and last offset are None if its commit does not say.
    """

    uri: str
    size: int
    rows: int | None = None
    partition: int | None = None
    first: int | None = None
    last: int | None = None

    def meets(self, start: Offsets, end: Offsets) -> bool:
        """Return whether events from ``start`` to below ``end`` may be inside."""
        if self.partition is None or self.first is None or self.last is None:
            return True
        p = self.partition
        return p in end and self.first < end[p] and self.last >= start.get(p, 0)


@dataclass(frozen=True)
class Stretch:
    """Events of the lake: those of ``files`` from ``start`` (None: the beginning) to below ``end``.

    Events of forgotten users are left out. It is a plain value that travels to the engine's tasks.
    """

    files: tuple[LakeFile, ...]
    start: Offsets | None
    end: Offsets
    forgotten: "Forgotten"
    rules: Rules

    @property
    def most(self) -> int:
        """About how many events there are at most."""
        offsets = sum(end - (self.start or {}).get(partition, 0) for partition, end in self.end.items())
        rows = (file.size // BYTES_PER_EVENT if file.rows is None else file.rows for file in self.files)
        return min(offsets, sum(rows))

    def shares(self, count: int) -> "list[Stretch]":
        """Return the stretch in at most ``count`` shares of about equal size, one per task."""
        shares: list[list[LakeFile]] = [[] for _ in range(max(1, min(count, len(self.files))))]
        sizes = [0] * len(shares)
        for file in sorted(self.files, key=lambda file: (-file.size, file.uri)):
            least = sizes.index(min(sizes))
            shares[least].append(file)
            sizes[least] += file.size
        return [replace(self, files=tuple(share)) for share in shares]

    def read(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield ``EVENT_COLUMNS``, in any order, up to ``rows`` at a time; a file is held by parts.

        Raises:
            SettingsError: a file cannot be read from here.
        """
        yield from map(self._weighed, self.stored(rows, STORED_COLUMNS))

    def stored(self, rows: int, columns: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yield those columns of all events in the files, forgotten users' included, as ``read`` does.

        Raises:
            SettingsError: a file cannot be read from here.
        """
        inside = self._inside()
        for file in self.files:
            try:
                # A scan that reads ahead or by threads holds many batches, and every task has one core only.
                batches = _opened_file(file.uri, columns).to_batches(
                    filter=inside, batch_size=rows, use_threads=False, batch_readahead=1, fragment_readahead=1
                )
                yield from (batch for batch in batches if batch.num_rows)
            except OSError as error:
                raise _unreadable(file.uri, error) from error

    def _inside(self) -> "Expression":
        partition, offset = pc.field("partition"), pc.field("offset")
        first = self.start or {}
        ranges = [(partition == p) & (offset >= first.get(p, 0)) & (offset < end) for p, end in self.end.items()]
        return reduce(or_, ranges)

    def _weighed(self, stored: pa.RecordBatch) -> pa.RecordBatch:
        weight, _ = weights(stored.column("kind"), stored.column("value"), self.rules)
        columns = {**dict(zip(stored.schema.names, stored.columns, strict=True)), "weight": pa.array(weight)}
        if RAW in columns:
            columns |= described(columns[RAW])
        events = pa.RecordBatch.from_arrays([columns[name] for name in EVENT_COLUMNS.names], schema=EVENT_COLUMNS)
        return events.filter(counting(events, self.forgotten)) if self.forgotten else events


def require_readable(files: Iterable[LakeFile]) -> None:
    """Refuse files that are not where the table says.

    Raises:
        SettingsError: one cannot be read from here.
    """
    for file in files:
        try:
            system, path = filesystem(file.uri)
            if system.get_file_info(path).size is None:
                raise FileNotFoundError("it is not there, as when maintenance deleted it or the lake was moved")
        except (OSError, ValueError) as error:
            raise _unreadable(file.uri, error) from error


def _opened_file(uri: str, columns: pa.Schema) -> "Dataset":
    """Return those columns of the file; beside them the record, where an earlier version did not write all of them."""
    import pyarrow.dataset as ds

    system, path = filesystem(uri)
    in_folders = ds.partitioning(pa.schema([STORED_COLUMNS.field("partition")]), flavor="hive")
    data = ds.dataset([path], columns, "parquet", system, in_folders)
    (fragment,) = data.get_fragments()
    known, wanted = set(fragment.physical_schema.names), set(columns.names)
    if RAW not in known - wanted or known.issuperset(wanted & set(DESCRIBING)):
        return data
    return ds.dataset([path], pa.schema([*columns, pa.field(RAW, pa.string())]), "parquet", system, in_folders)


def filesystem(uri: str) -> "tuple[FileSystem, str]":
    """Return Arrow's file system of a file, and its path there. Neither a path nor Hadoop's URIs have escapes.

    Raises:
        ValueError: Arrow does not know such a place.
    """
    if uri.startswith("/"):
        return _opened("file:///")[0], uri
    match = re.fullmatch(r"(\w+):(?://([^/]*))?/(.*)", uri, re.DOTALL)
    if match is None:
        raise ValueError("it is no URI of a file")
    scheme, host, path = match.groups()
    system, root = _opened(f"{'s3' if scheme == 's3a' else scheme}://{host or ''}/")
    return system, f"{root.rstrip('/')}/{path}"


@cache
def _opened(root: str) -> "tuple[FileSystem, str]":
    """Open a place once for all its files: a bucket must be asked for its region."""
    from pyarrow.fs import FileSystem

    system, path = FileSystem.from_uri(root)
    return system, path


def _unreadable(uri: str, error: Exception) -> SettingsError:
    return SettingsError(
        f"the lake's file {uri} cannot be read by Arrow ({error}): each of the engine's machines must reach the lake, "
        "with access to an object store by its usual environment variables or the machine's own role"
    )
