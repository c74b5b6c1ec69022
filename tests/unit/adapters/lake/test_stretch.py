"""A stretch of the lake is shared out file by file, evenly, and nothing of it twice."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from adapters.lake.files import BYTES_PER_EVENT, LakeFile, Stretch
from adapters.lake.parts import EVENTS
from core.events.described import described, described_by
from schemas.event import DESCRIBING
from schemas.rules import Rules

sizes = st.lists(st.integers(0, 1_000), max_size=30)


def stretch(sizes: list[int], end: int = 10**9, start: int = 0) -> Stretch:
    files = tuple(LakeFile(f"file:/lake/{n}", size) for n, size in enumerate(sizes))
    return Stretch(files, {0: start}, {0: end}, {}, Rules())


@given(sizes, st.integers(1, 8))
def test_every_file_is_in_one_share_and_none_is_heavier_than_another_by_more_than_a_file(
    sizes: list[int], count: int
) -> None:
    shares = stretch(sizes).shares(count)
    assert 1 <= len(shares) <= count
    assert sorted(file.uri for share in shares for file in share.files) == sorted(f.uri for f in stretch(sizes).files)
    heavy = [sum(file.size for file in share.files) for share in shares]
    assert max(heavy) - min(heavy) <= max(sizes, default=0)


def test_the_most_events_there_can_be_is_known_by_files_and_by_offsets() -> None:
    assert stretch([400 * BYTES_PER_EVENT, 100 * BYTES_PER_EVENT]).most == 500
    assert stretch([400 * BYTES_PER_EVENT], end=90, start=70).most == 20
    assert stretch([]).most == 0


RECORDS = [
    '{"device": "phone", "source": "als", "referrer": "https://a.example/\\u00e9"}', '{"device": null, "x": [1, {}]}',
    '{"device": "one", "device": "two", "referrer": "\\ud83d\\ude00"}', '{ "source" : "" }',
]  # fmt: skip


def file_of(path: Path, columns: pa.Schema) -> LakeFile:
    """A lake's file with those columns, whose records say what the others would."""
    columns_of = described(pa.array(RECORDS))
    rows = [
        {**dict.fromkeys(EVENTS.names), "partition": 0, "offset": k, "kind": "view", "raw": record}
        | {name: columns_of[name][k].as_py() for name in DESCRIBING}
        for k, record in enumerate(RECORDS)
    ]
    table = pa.Table.from_pylist(rows, EVENTS).select(columns.names)
    path.mkdir()
    pq.write_table(table, path / "part.parquet")
    return LakeFile(str(path / "part.parquet"), 1)


def test_a_file_of_an_earlier_version_says_what_its_records_do(tmp_path: Path) -> None:
    earlier = pa.schema([field for field in EVENTS if field.name not in DESCRIBING])
    read = []
    for name, columns in (("new", EVENTS), ("old", earlier)):
        stretch = Stretch((file_of(tmp_path / name, columns),), None, {0: 9}, {}, Rules())
        read.append(pa.Table.from_batches(stretch.read(10)))
    assert read[0] == read[1]
    assert read[1].column("device").to_pylist() == ["phone", None, "two", None]
    assert [described_by(record).get("referrer") for record in RECORDS] == read[1].column("referrer").to_pylist()
    assert described_by(None) == {}
