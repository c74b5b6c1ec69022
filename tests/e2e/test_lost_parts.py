"""What may be lost, and what brings it back: each remedy of docs/operations/, on a real log, lake and stores."""

from pathlib import Path
from shutil import rmtree

import pytest

from tests.kit.installation import Installation
from tests.kit.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.deep]


@pytest.fixture
def stores() -> dict[str, str]:
    """The embedded pair: what is lost is a file."""
    return {}


def lose(url: str) -> None:
    """Delete the SQLite file of that URL."""
    for end in ("", "-wal", "-shm"):
        Path(url.removeprefix("sqlite:///") + end).unlink(missing_ok=True)


def test_lost_speed_views_are_rebuilt_from_the_active_generations_boundary(millrace: Installation) -> None:
    first, second, third = in_parts(mixed_stream(millrace.settings.rules), 3)
    millrace.produce(first)
    millrace.batch()
    millrace.produce(second)
    millrace.speed()
    lose(millrace.settings.speed_views_url.reveal())
    millrace.check(degraded=("speed",))
    millrace.produce(third)
    millrace.speed()
    millrace.check_all_is_applied()
    assert millrace.control.epoch == 2
    assert millrace.proved() > 0


def test_lost_batch_views_are_rebuilt_by_a_batch_run(millrace: Installation) -> None:
    first, second, third = in_parts(mixed_stream(millrace.settings.rules), 3)
    millrace.produce(first)
    millrace.batch()
    millrace.produce(second)
    millrace.speed()
    before = millrace.position
    lose(millrace.settings.batch_views_url.reveal())
    millrace.batch()
    millrace.produce(third)
    millrace.speed()
    millrace.check_all_is_applied()
    assert millrace.position.epoch > before.epoch
    assert millrace.proved() > 0


def test_lost_batch_views_of_a_shortened_log_come_back_from_the_lake(millrace: Installation) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    millrace.produce(first)
    millrace.batch()
    events = millrace.proved()
    millrace.shorten()
    lose(millrace.settings.batch_views_url.reveal())
    millrace.batch()
    millrace.produce(second)
    millrace.speed()
    assert millrace.proved() > events


def test_a_speed_layer_that_began_without_the_lakes_histories_begins_again(millrace: Installation) -> None:
    first, second, third = in_parts(mixed_stream(millrace.settings.rules), 3)
    millrace.produce(first)
    millrace.batch()
    millrace.shorten()
    lose(millrace.settings.batch_views_url.reveal())
    millrace.produce(second)
    millrace.speed()  # before the batch run: it knows nobody's history
    before = millrace.position
    millrace.batch()
    millrace.produce(third)
    millrace.speed()
    assert millrace.position.epoch > before.epoch
    assert millrace.proved() > 0


def test_a_lost_lake_is_filled_again_from_the_logs_beginning(millrace: Installation) -> None:
    parts = in_parts(mixed_stream(millrace.settings.rules), 4)
    for part in parts:  # enough runs for the first boundaries to be forgotten
        millrace.produce(part)
        millrace.batch()
    assert millrace.control.boundaries[0].id > 0
    events = millrace.proved()
    rmtree(millrace.settings.lake_path)
    millrace.batch()
    millrace.check_all_is_applied(degraded=("speed",))
    millrace.check_lake(millrace.log.end_offsets())
    assert millrace.proved() == events
