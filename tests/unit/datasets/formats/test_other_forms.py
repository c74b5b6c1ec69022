"""Files that are no text of cells: Parquet that is damaged or has other columns, JSON in other encodings or shapes."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datasets.fields.acceptance import ImportOptions
from datasets.files.tally import Tally
from datasets.formats.base import Importer
from datasets.formats.delimited import Columns, Delimited
from datasets.importing.report import nothing_kept
from datasets.mapping.document import parsed
from schemas.errors import BadInput
from tests.kit.delimited_files import events_of

COLUMNS = Columns("item", "when")
EVENT = {"user_id": "user", "item_id": "item", "kind": {"const": "view"}, "event_time": "when"}
ROW = {"user": "ann", "item": "a", "when": "2025-01-01"}


def of_columns(path: Path, columns: Columns = COLUMNS, user: str = "user") -> Delimited:
    return Delimited(path, ImportOptions(user_column=user), Tally(), columns)


def of_objects(path: Path, **more: Any) -> Importer:
    return Importer(path, ImportOptions(), Tally(), parsed({**more, "event": EVENT}, "m"))


def parquet(path: Path, **columns: list[Any]) -> Path:
    table = {"user": ["ann", "bob"], "item": [1, 2], "when": [datetime(2025, 1, 1)] * 2, **columns}  # noqa: DTZ001
    pq.write_table(pa.table(table), path)
    return path


def test_a_column_that_a_parquet_file_lacks_is_named_with_those_that_it_has(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet")
    with pytest.raises(BadInput, match=r"no column 'nobody'; its columns: user, item, when$"):
        events_of(of_columns(path, user="nobody"))
    events = events_of(of_columns(path, Columns("#2", "when"), user="#1"))
    assert [(event["user_id"], event["item_id"]) for event in events] == [("ann", "1"), ("bob", "2")]


def test_a_parquet_file_of_a_folder_that_lacks_a_column_is_left_out_and_noted(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": [1]}), tmp_path / "b.parquet")
    importer = of_columns(tmp_path)
    assert len(events_of(importer)) == 2
    assert importer.tally.notes == {"b.parquet left out, it lacks a named column (--table chooses)": 1}


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_parquet_file_is_called_that(tmp_path: Path, damage: str) -> None:
    path = parquet(tmp_path / "a.parquet", user=[f"user {n}" for n in range(2)])
    content = bytearray(path.read_bytes())
    content[4:40] = bytes(byte ^ 0x5A for byte in content[4:40])
    path.write_bytes(content if damage == "flipped" else content[: len(content) // 2])
    with pytest.raises(BadInput, match=r"a\.parquet is a damaged Parquet file"):
        events_of(of_columns(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_json_in_another_encoding_is_refused_by_its_name(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW) + "\n", encoding=encoding)
    with pytest.raises(BadInput, match=f"is JSON in {encoding.upper()}"):
        events_of(of_objects(tmp_path / "a.jsonl"))


def test_a_line_of_json_that_is_not_utf_8_is_dropped_for_that(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(json.dumps(ROW).encode() + b'\n{"user":"J\xfcrgen"}\n{"user"\n')
    importer = of_objects(tmp_path / "a.jsonl")
    assert len(events_of(importer)) == 1
    assert importer.tally.dropped == {"not UTF-8, as JSON is": 1, "not one JSON object": 1}


def test_what_the_first_row_has_is_named_where_a_mapping_finds_nothing_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"data": [ROW], "next": None}))
    importer = of_objects(tmp_path / "a.json")
    assert events_of(importer) == []
    assert str(nothing_kept(importer, as_json=False)).endswith("a.json: no event_time; its first row has data, next")
    assert len(events_of(of_objects(tmp_path / "a.json", records="data"))) == 1


def test_a_header_that_is_none_does_not_fill_the_screen(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",".join(f"column {n}" for n in range(1_000)))
    with pytest.raises(BadInput, match="no column 'user'") as refused:
        events_of(of_columns(tmp_path / "a.csv"))
    assert len(str(refused.value)) < 800
