"""The API's link to the log is tried again, whatever one try meets."""

from pathlib import Path

import pytest

from adapters.settings import Settings
from adapters.stores.memory import MemoryStore
from schemas.errors import LogUnavailable
from serving_layer.routes import link as links
from serving_layer.routes.link import LogLink
from tests.kit.waiting import until


def test_an_error_of_the_system_is_a_reason_and_the_next_try_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def no_file(settings: Settings) -> None:
        tries.append(settings)
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(links, "open_log", no_file)
    monkeypatch.setattr(links, "TRY_AGAIN_SECONDS", 0.01)
    link = LogLink(Settings.of(home=tmp_path, kafka="127.0.0.1:1"), MemoryStore())
    with link.running():
        until(lambda: len(tries) > 2)
        with pytest.raises(LogUnavailable, match="Too many open files"):
            link.log()
