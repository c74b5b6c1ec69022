"""How many processes can compute at once."""

import os
from pathlib import Path

import pytest

from adapters.machine.cores import cores

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("max 100000\n", HERE),
        ("50000 100000\n", 1),
        ("100000 100000\n", 1),
        ("10000000000 100000\n", HERE),
        ("", HERE),
    ],
)
def test_the_quota_of_a_container_counts(tmp_path: Path, text: str, count: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert cores(tmp_path / "cpu.max") == count


def test_without_a_quota_all_cores_of_the_process_count(tmp_path: Path) -> None:
    assert cores(tmp_path / "missing") == HERE
