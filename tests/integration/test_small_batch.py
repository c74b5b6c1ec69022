"""A batch run over few events needs no engine: the same steps in its own process, equal to the slow twin."""

from pathlib import Path

import pytest

from batch_layer.jobs.generation import BatchJob
from schemas.errors import MillraceError
from tests.kit.installation import Installation, installation, rows_of
from tests.kit.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka]


@pytest.fixture
def shop(kafka_bootstrap: str, tmp_path: Path) -> Installation:
    """One whose batch runs are given no session."""
    return installation(None, kafka_bootstrap, {}, tmp_path, gate_items=5, evaluation_events=300)  # type: ignore[arg-type]


def test_small_runs_start_no_engine_and_are_exact(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.engine.tasks.open_session", _refuse)
    first, second, third = in_parts(mixed_stream(shop.settings.rules), 3)
    for part in (first, second):
        shop.produce(part)
        made = shop.batch()
        shop.check_all_is_applied(degraded=("speed",))
    assert made.metrics["mode"] == "incremental"
    assert any("recomputed from the lake, mismatches: 0" in line for line in shop.said)
    full = shop.batch(full=True)
    assert full.metrics["mode"] == "full"
    assert rows_of(shop, full.id) == rows_of(shop, made.id)
    shop.produce_in_transactions(third, aborted=third)
    shop.batch()
    shop.check_all_is_applied(degraded=("speed",))


def test_small_runs_bury_what_is_rejected_once_for_readers(shop: Installation) -> None:
    shop.produce(in_parts(mixed_stream(shop.settings.rules), 1)[0])
    made = shop.batch()
    shop.check_all_is_applied(degraded=("speed",))
    shop.check_rejected()
    assert sum(made.metrics["rejected"].values()) > 0


def test_a_step_over_more_events_than_the_setting_allows_asks_for_the_engine(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.engine.tasks.open_session", _refuse)
    shop.produce(in_parts(mixed_stream(shop.settings.rules), 1)[0])
    shop.settings = shop.settings.changed(in_process_events=0)
    with pytest.raises(MillraceError, match="asked for the engine"):
        BatchJob(None, shop.log, shop.settings, shop.said.append).run()


def _refuse(*_: object) -> None:
    raise MillraceError("asked for the engine")
