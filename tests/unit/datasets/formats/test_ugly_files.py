"""What real folders, archives and exports do to an import: same names, pipes, marks in the middle, twice the column."""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from datasets.files.tally import Reject, Tally
from datasets.files.text import require_encoding
from datasets.formats.base import ImportOptions
from datasets.formats.delimited import Columns, Delimited
from datasets.importing.cli import import_
from schemas.errors import BadInput
from tests.kit.delimited_files import DAY, PLAIN, events_of, file, read

HEADER = "user,item,time"


def users(path: Path, columns: Columns = PLAIN, **options: Any) -> list[str]:
    return [event["user_id"] for event in read(path, columns, **options)[0]]


def table(*names: str) -> str:
    return "\n".join([HEADER, *(f"{name},a,{DAY}" for name in names)]) + "\n"


def test_tables_of_one_name_in_different_folders_of_an_archive_are_all_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped, tarfile.open(tmp_path / "a.tgz", "w:gz") as tarred:
        for place, user in (("2025/events.csv", "u1"), ("2026/events.csv", "u2")):
            zipped.writestr(place, table(user))
            member, content = tarfile.TarInfo(place), table(user).encode()
            member.size = len(content)
            tarred.addfile(member, io.BytesIO(content))
    for name in ("a.zip", "a.tgz"):
        assert users(tmp_path / name) == ["u1", "u2"]
        assert users(tmp_path / name, table="events.csv") == ["u1", "u2"]
        assert users(tmp_path / name, table="2026/events.csv") == ["u2"]


def test_what_a_folder_or_archive_holds_and_is_not_read_is_noted(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    file(tmp_path / "deeper", HEADER)
    for name, content in (("a.csv", table("u1")), ("b.dat", table("u2"))):
        (tmp_path / name).write_text(content)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table("u3").encode()))
    events, tally = read(tmp_path)
    assert [event["user_id"] for event in events] == ["u1"]
    assert set(tally.notes) == {
        "a.csv is there more than once, the first is read",
        "b.dat left out, its name is not *.csv, *.tsv, *.txt (--table chooses)",
        "deeper left out, it is a folder",
    }
    assert read(tmp_path, table="a.csv")[1].notes == {"a.csv is there more than once, the first is read": 1}


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(BadInput, match="is no regular file: write what it yields to a file first"):
            read(path)


def test_a_byte_order_mark_in_the_middle_is_no_part_of_an_id_or_of_a_header(tmp_path: Path) -> None:
    path = tmp_path / "joined.csv"
    path.write_text("\ufeff" + table("u1") + "\ufeff" + table("u2") + f"\ufeffu3,a,{DAY}\n", encoding="utf-8")
    events, tally = read(path)
    assert [event["user_id"] for event in events] == ["u1", "u2", "u3"]
    assert tally.dropped == {"repeated header": 1}


def test_rows_that_only_a_carriage_return_separates_are_read_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEADER}\r\nu1,a,{DAY}\ru2,b,{DAY}\r\r\nu3,c,{DAY}\r\n".encode())
    events, tally = read(path)
    assert [event["user_id"] for event in events] == ["u1", "u2", "u3"]
    assert tally.lines == 4


def test_invisible_characters_around_ids_are_trimmed_as_blanks_are(tmp_path: Path) -> None:
    path = file(tmp_path, HEADER, f"\u200bu1,a\u00a0,{DAY}", f"u1\ufeff,a,{DAY}", f"u1,\u200ea\u2060,{DAY}")
    assert {(event["user_id"], event["item_id"]) for event in read(path)[0]} == {("u1", "a")}
    assert users(path, keep_blanks=True) == ["\u200bu1", "u1\ufeff", "u1"]


def test_a_word_for_nothing_is_no_part_of_a_joined_event_id(tmp_path: Path) -> None:
    path = file(tmp_path, "order,user,item,time", f"NULL,u1,a,{DAY}", f"o1,u1,a,{DAY}")
    events, tally = read(path, Columns("item", "time", event_id=("order", "item")))
    assert [event["event_id"] for event in events] == ["o1-a"]
    assert tally.dropped == {"no event_id": 1}


def test_a_rejected_rows_cells_are_those_of_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, "user,item,time,x,x", f"u1,,{DAY},A,B")
    rejects: list[Reject] = []
    importer = Delimited(path, ImportOptions("#1"), Tally(on_reject=rejects.append), Columns("#2", "#3"))
    assert events_of(importer) == []
    assert [list(reject.cells) for reject in rejects] == [["u1", "", DAY, "A", "B"]]


@pytest.mark.parametrize("style", ["iso", "epoch-ms", "%d.%m.%Y"])
def test_the_example_of_an_unreadable_time_is_the_cell(tmp_path: Path, style: str) -> None:
    _, tally = read(file(tmp_path, HEADER, "u1,a,soon"), Columns("item", "time", time_format=style))
    assert tally.examples == {"unreadable time": "soon"}


@pytest.mark.parametrize("option", ["--out", "--items-out", "--rejects"])
def test_no_output_replaces_the_input_or_another_output(tmp_path: Path, option: str) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "out.jsonl"
    path.write_text(table("u1"))
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    columns = ["--user", "user", "--item", "item", "--time", "time"]
    for into in (path, link):
        outputs = {"--out": out, option: into}
        given = [str(part) for pair in outputs.items() for part in pair]
        result = CliRunner().invoke(import_, ["csv", str(path), *columns, *given])
        assert result.exit_code == 1
        assert "would be overwritten" in result.output
        assert path.read_text() == table("u1")
    same = ["--out", str(out), "--rejects", str(out)]
    assert CliRunner().invoke(import_, ["csv", str(path), *columns, *same]).exit_code == 1
    assert not out.exists()


def test_a_word_cannot_be_mapped_to_what_is_no_kind(tmp_path: Path) -> None:
    path, out = file(tmp_path, HEADER, f"u1,a,{DAY}"), str(tmp_path / "out.jsonl")
    given = ["csv", str(path), "--user", "user", "--item", "item", "--time", "time", "--out", out]
    result = CliRunner().invoke(import_, [*given, "--kind-map", "BOUGHT=purchas"])
    assert (result.exit_code, "'purchas' is no kind; the kinds are" in result.output) == (1, True)
    assert CliRunner().invoke(import_, [*given, "--kind-map", "BOUGHT="]).exit_code == 0


def test_an_encoding_that_decodes_nothing_is_refused(tmp_path: Path) -> None:
    for name in ("undefined", "base64", "klingon"):
        with pytest.raises(BadInput, match="is no encoding"):
            require_encoding(name)
