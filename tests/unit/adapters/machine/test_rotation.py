"""Logs of children do not fill the disk."""

import sys
from pathlib import Path

from adapters.machine.children import start
from adapters.machine.rotation import begin_again


def test_a_log_that_grew_large_begins_again_under_its_writer_and_the_old_part_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    start("writer", [sys.executable, "-c", "print('first')"], log).process.wait()
    grown = log.read_bytes()
    assert grown == b"first\n"
    assert not begin_again(log, len(grown))
    with log.open("ab") as appending:
        assert begin_again(log, len(grown) - 1)
        appending.write(b"next\n")
    assert log.read_bytes() == b"next\n"
    assert (tmp_path / "child.log.1").read_bytes() == grown
    assert not begin_again(tmp_path / "none.log")
