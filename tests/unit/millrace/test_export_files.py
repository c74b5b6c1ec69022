"""Tables as files: whatever text an id has comes back, a failure leaves nothing, and batches are all that is held."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millrace.export import files
from millrace.export.files import FORMATS, form_of, table_file
from schemas.errors import BadInput

COLUMNS = pa.schema([("user_id", pa.string()), ("n", pa.int64()), ("tags", pa.list_(pa.string()))])
HOSTILE = ['a,"b"', "", "=1+1", "\u2028line", "x\ny", "\r", "ї/%;\t", "\ufeffbom", "null", "😀", "'"]
texts = st.one_of(st.none(), st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
some_rows = st.lists(
    st.tuples(texts, st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), st.lists(st.text(max_size=3)))
)


def read_back(path: Path, form: str) -> list[tuple[Any, ...]]:
    if form == "parquet":
        rows = pq.read_table(path).to_pylist()
    elif form == "jsonl":
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    else:
        options = arrow_csv.ConvertOptions(
            column_types={"user_id": pa.string(), "n": pa.int64(), "tags": pa.string()},
            strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""],
        )  # fmt: skip
        read = arrow_csv.read_csv(
            path, parse_options=arrow_csv.ParseOptions(newlines_in_values=True), convert_options=options
        )
        rows = [{**row, "tags": json.loads(row["tags"])} for row in read.to_pylist()]
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None, max_examples=50)
@given(rows=some_rows)
def test_every_value_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, form: str, rows: Any) -> None:
    path = tmp_path_factory.mktemp("rows") / "a"
    with table_file(path, form, COLUMNS) as table:
        table.add(rows)
    assert table.count == len(rows)
    assert read_back(path, form) == rows


def test_the_standard_library_reads_the_csv(tmp_path: Path) -> None:
    with table_file(tmp_path / "a.csv", "csv", COLUMNS) as table:
        table.add([(text, 1, []) for text in HOSTILE])
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)] == ["user_id", *HOSTILE]


@pytest.mark.parametrize("form", FORMATS)
def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path: Path, form: str) -> None:
    path = tmp_path / "out"
    path.write_text("older")
    with pytest.raises(pa.ArrowException), table_file(path, form, COLUMNS) as table:
        table.add([("a", "not a number", [])])
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_rows_are_handed_on_as_soon_as_a_batch_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ROWS_PER_BATCH", 10)
    written: list[int] = []
    table = files.TableRows(COLUMNS, lambda batch: written.append(batch.num_rows))
    for k in range(25):
        table.add([(str(k), k, [])])
    assert written == [10, 10]
    table.flush()
    assert (written, table.count) == ([10, 10, 5], 25)


@pytest.mark.parametrize(
    ("name", "given", "form"),
    [("a.parquet", None, "parquet"), ("a.CSV", None, "csv"), ("a.jsonl.gz", None, "jsonl"), ("a", "csv", "csv")],
)
def test_the_name_says_the_format_unless_an_option_does(name: str, given: str | None, form: str) -> None:
    assert form_of(Path(name), given) == form


@pytest.mark.parametrize("name", ["a", "a.txt", "a.parquet.gz"])
def test_a_name_that_says_no_format_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"Parquet|--format"):
        form_of(Path(name), None)
