"""Compiling in a process of its own."""

import os
import threading
from pathlib import Path

import pytest

from adapters.machine.compiled import compile_apart, keep_compiled, mark_of

COUNTS = "import os\nopen(os.environ['RUNS'], 'a').write('run\\n')\n"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "runs"


def test_of_those_who_ask_at_once_one_compiles_and_all_return_when_it_is_done(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "compiles.py").write_text(COUNTS)
    asking = [threading.Thread(target=compile_apart, args=("compiles",)) for _ in range(3)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    compile_apart("compiles")
    assert runs.read_text() == "run\n"
    assert mark_of("compiles").exists()


def test_a_program_that_fails_is_run_again_by_whoever_asks_next(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text(f"{COUNTS}raise SystemExit(1)\n")
    compile_apart("fails")
    compile_apart("fails")
    assert runs.read_text() == "run\nrun\n"


def test_without_a_place_for_a_cache_nothing_is_compiled_apart(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compiles.py").write_text(COUNTS)
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    compile_apart("compiles")
    assert not runs.exists()


def test_what_networks_compile_is_kept_beside_the_jars_unless_another_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_JARS", str(tmp_path / "jars"))
    monkeypatch.setenv("NUMBA_CACHE_LOCATOR_CLASSES", "as it was")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    keep_compiled()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "jax")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    keep_compiled()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "elsewhere"
    assert os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] == "as it was"
