"""Which files of a folder are read: its own, or, where it has none that fits, those of the folders below."""

from pathlib import Path

import pytest

from datasets.files.parts import main_tables
from schemas.errors import BadInput


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("user,item,when\n")
    return path


def names(path: Path, *patterns: str, table: str = "") -> list[str]:
    return [part.name for part in main_tables(path, patterns or ("*.csv", "*.parquet"), table)]


def test_a_table_that_lies_in_folders_by_day_is_read_whole(tmp_path: Path) -> None:
    days = ["day=2025-10-07/part-0.parquet", "day=2025-10-08/part-0.parquet", "day=2025-10-08/part-1.csv"]
    folder(tmp_path, *days[:2], f"{days[2]}.gz")
    folder(tmp_path, "_SUCCESS", "_temporary/0/part-9.parquet", ".hidden/a.csv", "day=2025-10-07/.part-0.crc")
    assert names(tmp_path) == days
    assert names(tmp_path, table="day=2025-10-08/*") == days[1:]


def test_folders_are_left_alone_where_the_folder_itself_has_a_table(tmp_path: Path) -> None:
    assert names(folder(tmp_path, "a.csv", "older/b.csv")) == ["a.csv"]


def test_folders_far_below_and_behind_links_are_not_read(tmp_path: Path) -> None:
    (folder(tmp_path / "data", "2025/10/07/a.csv", "2025/10/07/12/b.csv") / "loop").symlink_to(tmp_path)
    assert names(tmp_path / "data") == ["2025/10/07/a.csv"]


def test_a_folder_without_a_table_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no \*\.csv or \*\.parquet; it holds: x/notes\.md"):
        names(folder(tmp_path, "x/notes.md"))
