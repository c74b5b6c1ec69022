"""Compiling at setup."""

from pathlib import Path

import pytest

from adapters.machine.numba_cache import digest
from millrace.running import compiling


def test_a_version_that_is_compiled_is_not_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    whole = tmp_path / f"core-{digest()}" / "whole"
    compiling.main()
    assert whole.exists()
    assert "compiling, once for this version" in capsys.readouterr().err
    compiling.main()
    assert capsys.readouterr().err == ""
