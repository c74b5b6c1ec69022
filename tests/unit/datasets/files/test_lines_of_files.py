"""Every line of a file is accounted for, however its quotes, separators, encodings and packings are."""

import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datasets.files.parts import main_tables
from datasets.files.records import MAX_CELL, Records, Style
from datasets.files.tally import Tally
from datasets.formats.base import ImportOptions
from datasets.formats.delimited import Columns, Delimited
from schemas.errors import BadInput
from tests.kit.delimited_files import DAY, PLAIN, events_of, file, read


def rows(separator: str, count: int = 1_000, **odd: str) -> list[str]:
    """Rows with a name that is not imported; ``odd`` gives some rows another one."""
    names = [odd.get(f"at_{place}", f"artist {place}") for place in range(count)]
    body = [separator.join((f"u{place}", f"a{place}", name, DAY)) for place, name in enumerate(names)]
    return [separator.join(("user", "item", "name", "time")), *body]


@pytest.mark.parametrize("quoting", ["", "none", "minimal"])
@pytest.mark.parametrize("delimiter", ["tab", "comma"])
def test_stray_quotes_in_a_column_that_is_not_imported_cost_no_row(
    tmp_path: Path, delimiter: str, quoting: str
) -> None:
    separator = "\t" if delimiter == "tab" else ","
    for second in ('"weird al', 'weird al"', 'weird "al" y', '5" screen'):
        path = file(tmp_path, *rows(separator, at_10='"weird al', at_900=second))
        events, tally = read(path, Columns("item", "time", delimiter=delimiter, quoting=quoting))
        assert [event["user_id"] for event in events] == [f"u{place}" for place in range(1_000)]
        assert tally.lines == 1_001
        noted = "stray quote, read as a character" in tally.notes
        assert noted == (quoting == "minimal" or (delimiter == "comma" and not quoting))


def test_a_quote_that_is_never_closed_costs_no_row(tmp_path: Path) -> None:
    for place in (0, 500, 999):
        events, _ = read(file(tmp_path, *rows(",", **{f"at_{place}": '"weird al'})))
        assert len(events) == 1_000


def test_a_cut_row_that_opens_a_quote_costs_only_itself(tmp_path: Path) -> None:
    lines = rows(",", 20)
    lines[5] = 'u4,"a4'
    lines[12] = 'u11,a11",artist,' + DAY
    events, tally = read(file(tmp_path, *lines))
    assert (len(events), tally.dropped) == (19, {"cut row": 1})


def test_cells_over_several_lines_are_read_and_their_lines_explained(tmp_path: Path) -> None:
    lines = ["user,item,time,text", f'u1,a,{DAY},"one', 'two, with ""quotes""', "", 'four"', f'"u2",b,{DAY},x']
    events, tally = read(file(tmp_path, *lines))
    assert [(event["user_id"], event["item_id"]) for event in events] == [("u1", "a"), ("u2", "b")]
    assert tally.explained == {"header": 1, "inside quoted cells": 3}
    assert tally.notes == {"record of several lines": 1}


def test_a_quoted_text_before_the_ids_may_run_over_several_lines(tmp_path: Path) -> None:
    lines = ["text,user,item,time", '"hello', f'world",u1,a,{DAY}', f"plain,u2,b,{DAY}"]
    events, tally = read(file(tmp_path, *lines))
    assert [event["user_id"] for event in events] == ["u1", "u2"]
    assert tally.explained["inside quoted cells"] == 1


def test_a_cell_without_end_is_not_held_in_memory(tmp_path: Path) -> None:
    text = [f"line {place}{1_000 * '.'}" for place in range(MAX_CELL // 500)]
    events, tally = read(file(tmp_path, "user,item,time,text", f'u1,a,{DAY},"open', *text, f"u2,b,{DAY},x"))
    assert [event["user_id"] for event in events] == ["u1", "u2"]
    assert tally.dropped == {"cut row": len(text)}


@settings(deadline=None)
@example([",,\r,,"], ",")  # one line, two rows
@example(['u1,"a', 'u1,b",c', 'u1,"x'], ",")
@given(st.lists(st.text('u1,"\t\n\r ;x\ufeff', max_size=12), max_size=12), st.sampled_from([",", "\t", "::"]))
def test_whatever_the_lines_hold_each_is_taken_once_and_as_well_in_parts(texts: list[str], delimiter: str) -> None:
    lines = list(io.StringIO("\n".join(texts), newline="\n"))
    for quoting in ("none", "minimal"):
        one_by_one, in_parts = (records_of(lines, Style(delimiter, quoting, True), size) for size in (12, 2))
        expected = [(one_by_one.line, one_by_one.lines, cells) for cells in one_by_one]
        tally = one_by_one._tally
        assert sum(taken for _, taken, _ in expected) == len(lines) + tally.lines  # which counts rows split off a line
        read_ahead = [
            (in_parts.line + place, in_parts.lines, cells)
            for part in in_parts.in_parts()
            for place, cells in enumerate(part)
        ]
        assert (read_ahead, in_parts._tally) == (expected, tally)


def records_of(lines: list[str], style: Style, size: int) -> Records:
    records = Records(batched(lines, size), style, Tally())
    records.width, records.is_row = 3, lambda cells: cells[0] == "u1"
    return records


def batched(lines: list[str], size: int) -> Iterator[list[str]]:
    return (lines[start : start + size] for start in range(0, len(lines), size))


@settings(deadline=None)
@example([",,\r,"], csv.QUOTE_MINIMAL)  # its first line has as many cells as the header, and is no row
@given(st.lists(st.text('ab,"\n\r ', max_size=20), max_size=8), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_is_written_by_the_rules_is_read_by_them(texts: list[str], quoting: int) -> None:
    written = io.StringIO(newline="")
    expected = [["u", "text", "item", "time"], *([f"u{place}", text, "a", DAY] for place, text in enumerate(texts))]
    csv.writer(written, quoting=quoting).writerows(expected)  # type: ignore[arg-type]
    written.seek(0)
    tally = Tally()
    records = Records(batched(list(written), 3), Style(), tally)
    records.width, records.is_row = 4, lambda cells: cells[3].strip() == DAY
    assert list(records) == expected
    assert not tally.notes


def test_empty_cells_beyond_the_header_are_no_reason_to_drop_a_row(tmp_path: Path) -> None:
    events, tally = read(file(tmp_path, "user,item,time", f"u1,a,{DAY},,", f"u2,a,{DAY},x", ",,,,"))
    assert [event["user_id"] for event in events] == ["u1"]
    assert tally.notes == {"empty cells beyond the header's": 1}
    assert tally.dropped == {"row with too many fields": 1, "blank line": 1}


def test_several_characters_may_separate_and_columns_be_named_by_place(tmp_path: Path) -> None:
    path = file(tmp_path, "1::31::4.5::1260759144", "2::32::3::1260759145", name="ratings.dat")
    for names in (("#1", "#2", "#4", "#3"), ("1", "2", "4", "3")):
        user, item, time, value = names
        columns = Columns(item, time, kind_value="rating", value=value, time_format="epoch-s", delimiter="::",
                          no_header=True)  # fmt: skip
        importer = Delimited(path, ImportOptions(user), Tally(), columns)
        assert [(event["user_id"], event["item_id"], event["value"]) for event in events_of(importer)] == [
            ("1", "31", 4.5), ("2", "32", 3),
        ]  # fmt: skip
        assert importer.tally.lines == importer.tally.kept == 2


def test_a_named_column_that_occurs_twice_is_refused_and_can_be_named_by_place(tmp_path: Path) -> None:
    path = file(tmp_path, "item,user,time,item", f"SKU-1,u1,{DAY},row-901")
    with pytest.raises(BadInput, match=r"2 columns 'item'.*#1 or #4"):
        read(path)
    assert read(path, Columns("#1", "time"))[0][0]["item_id"] == "SKU-1"
    assert len(read(file(tmp_path, "item,user,time,x,x", f"SKU-1,u1,{DAY},1,2"))[0]) == 1


def test_a_missing_column_is_named_with_what_the_header_suggests(tmp_path: Path) -> None:
    for header, hint in (("user;item;time", "--delimiter semicolon"), ("1,31,2.5", "--no-header")):
        with pytest.raises(BadInput, match=hint):
            read(file(tmp_path, header))
    with pytest.raises(BadInput, match="--quoting minimal"):
        read(file(tmp_path, '"user"\t"item"\t"time"'), Columns("item", "time", delimiter="tab"))


def test_blanks_around_ids_are_no_part_of_them_unless_kept(tmp_path: Path) -> None:
    path = file(tmp_path, "user, item, time", f"u1, sku-1, {DAY}", f'u1 , "sku-1", {DAY}', f"u1,sku-1,{DAY}")
    assert {(event["user_id"], event["item_id"]) for event in read(path)[0]} == {("u1", "sku-1")}
    kept = read(path, keep_blanks=True)[0]
    assert {event["item_id"] for event in kept} == {" sku-1", ' "sku-1"', "sku-1"}


def test_a_spreadsheets_line_that_names_the_separator_is_explained(tmp_path: Path) -> None:
    _, tally = read(file(tmp_path, "sep=,", "", "user,item,time", f"u1,a,{DAY}"))
    assert tally.explained == {"line that names the separator": 1, "header": 1}
    assert tally.dropped == {"blank line": 1}


def test_an_encoding_can_be_named_and_line_ends_be_old(tmp_path: Path) -> None:
    text = f"user,item,time\nu1,товар,{DAY}\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1251"))
    assert read(tmp_path / "a.csv", encoding="cp1251")[0][0]["item_id"] == "товар"
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        (tmp_path / "a.csv").write_bytes(text.encode(encoding))
        assert read(tmp_path / "a.csv")[0][0]["item_id"] == "товар"
    (tmp_path / "a.csv").write_bytes(text.replace("\n", "\r").encode())
    assert read(tmp_path / "a.csv")[1].lines == 2
    (tmp_path / "a.csv").write_bytes(text.encode("utf-16-le"))
    with pytest.raises(BadInput, match="--encoding utf-16-le"):
        read(tmp_path / "a.csv")
    assert read(tmp_path / "a.csv", encoding="utf-16-le")[1].kept == 1


def zstd(data: bytes) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return bytes(sink.getvalue())


def tar(data: bytes, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in (("in/categories.csv", b"id,parent\n1,2\n"), ("in/events.csv", data)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


PACKED = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "zst": zstd,
    "tar": tar,
    "tgz": lambda data: tar(data, "w:gz"),
    "tar.zst": lambda data: zstd(tar(data)),
}


@pytest.mark.parametrize("ending", PACKED)
def test_a_packed_file_is_read_by_its_content(tmp_path: Path, ending: str) -> None:
    data = "\n".join(rows(",")).encode()
    for name in (f"a.csv.{ending}", "a"):
        (tmp_path / name).write_bytes(PACKED[ending](data))
        assert len(read(tmp_path / name)[0]) == 1_000


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_a_packed_file_is_read_up_to_its_damage(tmp_path: Path, ending: str) -> None:
    data = "\n".join(rows(",", 40_000)).encode()
    packed = PACKED[ending](data)
    (tmp_path / "cut").write_bytes(packed[:-1_000])
    events, tally = read(tmp_path / "cut")
    assert 10_000 < len(events) < 40_000
    assert tally.notes == {"cut is damaged, read up to there": 1}
    (tmp_path / "cut").write_bytes(packed[:20])
    with pytest.raises(BadInput, match="cut is damaged, nothing of it can be read"):
        read(tmp_path / "cut")


def test_of_an_archives_tables_the_one_with_the_columns_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("events.csv", "\n".join(rows(",", 3)))
        archive.writestr("category_tree.csv", "id,parent\n1,2\n")
    events, tally = read(tmp_path / "a.zip")
    assert len(events) == 3
    assert tally.notes == {"category_tree.csv left out, it lacks a named column (--table chooses)": 1}
    assert read(tmp_path / "a.zip", table="events.csv")[1].notes == {}
    with pytest.raises(BadInput, match="no column 'user', 'item', 'time'"):
        read(tmp_path / "a.zip", table="category*")
    with pytest.raises(BadInput, match=r"holds no gone.csv; it holds: category_tree.csv, events.csv"):
        read(tmp_path / "a.zip", table="gone.csv")
    with pytest.raises(BadInput, match="no table fits"):
        read(tmp_path / "a.zip", Columns("elsewhere", "time"))


@pytest.mark.parametrize("start", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x00", b"PAR1"])
def test_what_cannot_be_read_is_refused_with_the_true_reason(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(start + bytes(600))
    with pytest.raises(BadInput, match=r"a.csv is a .*: "):
        read(tmp_path / "a.csv")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    with pytest.raises(BadInput, match="is a spreadsheet"):
        main_tables(tmp_path / "a.xlsx", ["*"])


def test_each_dropped_row_is_handed_on_with_its_place(tmp_path: Path) -> None:
    path = file(tmp_path, "user,item,time,text", f'u1,a,{DAY},"x', 'y"', "", "u2,b", f",c,{DAY},x")
    rejects: list[Any] = []
    importer = Delimited(path, ImportOptions("user"), Tally(on_reject=rejects.append), PLAIN)
    events_of(importer)
    dropped = [(reject.row, reject.line, reject.reason, list(reject.cells)) for reject in rejects]
    assert dropped == [(2, 4, "blank line", []), (3, 5, "cut row", ["u2", "b"]),
                     (4, 6, "no user_id", ["", "c", DAY, "x"])]  # fmt: skip
    assert json.dumps(importer.tally.dropped) == '{"blank line": 1, "cut row": 1, "no user_id": 1}'
