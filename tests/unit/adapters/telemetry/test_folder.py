"""Processes that answer together count together, and what an ended one counted stays counted."""

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from adapters.telemetry import folder as folders
from adapters.telemetry.cells import CELLS, Cells
from adapters.telemetry.exposition import text_of
from adapters.telemetry.folder import Folder, new_folder
from core.telemetry.families import FAMILIES, REQUEST_SECONDS, REQUESTS
from tests.kit.places import ROOT

OK = ("/health", "200")
KEY = (REQUESTS.name, OK)
COUNTS = """
import os, signal, sys
from pathlib import Path

import pytest
from adapters.telemetry.counting import count, share_in
from core.telemetry.families import REQUESTS
share_in(Path(sys.argv[1]))
count(REQUESTS, "/health", "200", by=5)
print("counted", flush=True)
sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_stays_counted_once_and_its_files_are_removed(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "shared")
    mine = folder.cells()
    mine.add(REQUESTS, OK, 2)
    with subprocess.Popen(
        [sys.executable, "-c", COUNTS, str(tmp_path / "shared")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"counted\n"
        assert folder.numbers()[KEY] == (7.0,)
        assert len(list((tmp_path / "shared").glob("*.numbers"))) == 2
        other.communicate(b"")
    assert [folder.numbers()[KEY] for _ in range(3)] == [(7.0,)] * 3
    assert len(list((tmp_path / "shared").glob("*.numbers"))) == 1
    mine.add(REQUESTS, OK, 1)
    assert Folder(tmp_path / "shared").numbers()[KEY] == (8.0,)
    mine.close()


def test_a_burial_that_was_cut_short_counts_nothing_twice(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with closing(Cells(tmp_path / "1-a")) as ended:
        ended.add(REQUESTS, OK, 3)
    copies = {path: path.read_bytes() for path in tmp_path.glob("1-a.*")}
    assert folder.numbers()[KEY] == (3.0,)
    for path, content in copies.items():  # as if the removal had not happened
        path.write_bytes(content)
    assert folder.numbers()[KEY] == (3.0,)
    assert not list(tmp_path.glob("1-a.*"))


def test_a_new_folder_is_empty(tmp_path: Path) -> None:
    with closing(Cells(new_folder(tmp_path / "up") / "1-a")) as before:
        before.add(REQUESTS, OK, 3)
    assert Folder(new_folder(tmp_path / "up")).numbers() == {}
    assert folders.ENDED not in {path.name for path in (tmp_path / "up").iterdir()}


def test_threads_lose_no_count() -> None:
    cells = Cells()
    threads = [threading.Thread(target=lambda: [cells.add(REQUESTS, OK, 1) for _ in range(20_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cells.numbers()[KEY] == (80_000.0,)


def test_labels_without_end_are_not_counted_and_break_nothing() -> None:
    cells = Cells()
    for k in range(CELLS + 10):
        cells.add(REQUESTS, (f"/{k}", "200"), 1)
    cells.observe(REQUEST_SECONDS, ("/",), 0.1)
    assert len(cells.numbers()) == CELLS


def test_the_text_has_cumulated_buckets_their_count_and_their_sum() -> None:
    cells = Cells()
    for seconds in (0.0001, 0.0005, 0.3, 99.0):
        cells.observe(REQUEST_SECONDS, ("/health",), seconds)
    text, media_type = text_of(cells.numbers())
    lines = text.decode().splitlines()
    assert media_type.startswith("text/plain")
    name = REQUEST_SECONDS.name
    assert f'{name}_bucket{{le="0.0005",route="/health"}} 2.0' in lines
    assert f'{name}_bucket{{le="0.5",route="/health"}} 3.0' in lines
    assert f'{name}_bucket{{le="+Inf",route="/health"}} 4.0' in lines
    assert f'{name}_count{{route="/health"}} 4.0' in lines
    assert f"# HELP {name} {FAMILIES[name].about}" in lines


def test_open_metrics_is_written_where_it_is_asked_for() -> None:
    cells = Cells()
    cells.add(REQUESTS, OK, 2)
    text, media_type = text_of(cells.numbers(), accept="application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


@pytest.mark.parametrize("version", ["abc", "1.x", "", "9" * 5_000, "1.0.0.x"])
def test_a_scrape_that_asks_for_an_odd_version_gets_its_numbers(version: str) -> None:
    cells = Cells()
    cells.add(REQUESTS, OK, 2)
    for kind in ("application/openmetrics-text", "text/plain"):
        text, _ = text_of(cells.numbers(), accept=f"{kind}; version={version}")
        assert f"{REQUESTS.name}{{".encode() in text
