"""Compiling at setup."""

from pathlib import Path

import pytest

from adapters.machine.compiled import mark_of
from millrace.running import compiling
from serving_layer.reading.views import WARM_UP


def test_a_version_that_is_compiled_is_not_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    compiling.main()
    assert mark_of("whole").exists()
    assert mark_of(WARM_UP).exists()
    assert "compiling, once for this version" in capsys.readouterr().err
    compiling.main()
    assert capsys.readouterr().err == ""
