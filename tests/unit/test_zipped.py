"""The packages work from a zip: what was compiled is found again, the lock is read, children are held."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from adapters.machine.compiled import NUMBA_LOCATORS
from adapters.machine.numba_cache import digest_of
from tests.kit.places import ROOT

HASH = """
import numpy as np, sys
from core.partitions.partitioner_compiled import crc32_each
assert ".zip" in sys.modules["core.partitions.partitioner_compiled"].__file__
assert crc32_each(np.frombuffer(b"abc", np.uint8), np.array([0, 3], np.int32)).tolist() == [0x352441C2]
print(sum(crc32_each.stats.cache_hits.values()))
"""
CHILD = """
from pathlib import Path
from adapters.machine.children import child
from adapters.machine.jars import locked
assert locked("kafka")
with child("talker", ["echo", "held"], Path("talker.log")) as talker:
    talker.process.wait()
print(talker.last_lines())
"""


@pytest.mark.deep
def test_packages_in_another_folder_find_compiled_code_and_a_change_in_core_compiles_it_again(tmp_path: Path) -> None:
    assert hits_of(tmp_path, zipped(tmp_path / "one", b"")) == 0
    assert hits_of(tmp_path, zipped(tmp_path / "other", b"")) == 1
    assert hits_of(tmp_path, zipped(tmp_path / "changed", b"\n")) == 0


@pytest.mark.parametrize("changed", ["core/rows/codec.py", "core/fold/kernel.py", "core/fold/deeper/kernel.py"])
def test_a_source_counts_however_deep_it_lies(tmp_path: Path, changed: str) -> None:
    before = digest_of(tmp_path)
    (tmp_path / changed).parent.mkdir(parents=True)
    (tmp_path / changed).write_text("x = 1")
    first = digest_of(tmp_path)
    (tmp_path / changed).write_text("x = 2")
    assert len({before, first, digest_of(tmp_path)}) == 3


def test_the_lock_of_jars_and_the_leash_of_children_are_read_from_the_zip(tmp_path: Path) -> None:
    assert run(CHILD, tmp_path, zipped(tmp_path / "one", b"")) == "held"


def hits_of(cache: Path, packages: Path) -> int:
    return int(run(HASH, cache, packages))


def run(script: str, cache: Path, packages: Path) -> str:
    """What the script prints, run with those packages alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "PYTHON"))}
    env = {
        **kept,
        "NUMBA_CACHE_LOCATOR_CLASSES": NUMBA_LOCATORS,
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": str(packages),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=cache, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def zipped(folder: Path, appended: bytes) -> Path:
    """The packages in a zip there, a file of core with something more at its end."""
    folder.mkdir()
    with ZipFile(folder / "packages.zip", "w") as out:
        rooms = ("core", "schemas", "recommenders", "adapters")
        for path in (path for name in rooms for path in (ROOT / name).rglob("*.*")):
            more = appended if path.name == "codec.py" else b""
            out.writestr(str(path.relative_to(ROOT)), path.read_bytes() + more)
    return folder / "packages.zip"
