"""Files that appear whole or not at all: what is there is replaced only where it is a file."""

import os
from pathlib import Path

import pytest

from datasets.files.output import write_blocks, write_lines
from schemas.errors import BadInput


def test_a_file_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/a")
    for line in (b"1", b"2"):
        write_lines(tmp_path / "link", [line])
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "folder" / "a").read_bytes() == line + b"\n"


def test_a_folder_a_pipe_and_what_a_link_to_a_device_leads_to_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/null")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "device"):
        with pytest.raises(BadInput, match="is no regular file"):
            write_lines(path, [b"1"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["device", "pipe"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_lines(tmp_path / "a", (b"%d" % (1 // n) for n in (1, 0)))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_blocks_and_lines_are_written_alike(tmp_path: Path) -> None:
    lines = [b"%d" % n for n in range(2_500)]
    assert write_lines(tmp_path / "a", lines) == 2_500
    assert write_blocks(tmp_path / "b", [lines[:7], [], lines[7:]]) == 2_500
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"\n".join(lines) + b"\n"
    assert write_lines(tmp_path / "c", []) == 0
    assert (tmp_path / "c").read_bytes() == b""
