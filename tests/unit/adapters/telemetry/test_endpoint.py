"""A process without a server of its own shows its metrics on a port, if it has one."""

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from adapters.machine.children import free_port
from adapters.telemetry.counting import count
from adapters.telemetry.endpoint import shown_at
from core.telemetry.families import INTERRUPTIONS
from schemas.errors import SettingsError


def test_it_shows_what_the_process_counted_and_that_it_is_alive() -> None:
    count(INTERRUPTIONS, "store")
    with shown_at("127.0.0.1", free_port()) as port:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b'millrace_speed_interruptions_total{why="store"}' in answer.read()
            assert answer.headers["Content-Type"].startswith("text/plain")
        with urlopen(f"http://127.0.0.1:{port}/health") as answer:
            assert answer.status == 200
        with pytest.raises(HTTPError, match="404") as refusal:
            urlopen(f"http://127.0.0.1:{port}/")
        refusal.value.close()


def test_port_0_shows_nothing() -> None:
    with shown_at("127.0.0.1", 0) as port:
        assert port == 0


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    with (
        shown_at("127.0.0.1", free_port()) as port,
        pytest.raises(SettingsError, match="MILLRACE_METRICS_PORT"),
        shown_at("127.0.0.1", port),
    ):
        pass
