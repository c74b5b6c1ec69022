"""Forgetting: exact before and after at every step, gone from all that is computed, and not brought back by a loss."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.lake.care import LakeCare
from adapters.lake.tables import Lake
from adapters.log.forgotten import forget, forgotten
from adapters.records.books import generation_book
from adapters.stores.opened import batch_views
from core.control.changes import rollback
from schemas.errors import BadInput
from schemas.event import Event
from tests.kit.installation import Installation
from tests.kit.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka, pytest.mark.spark]


def busiest(millrace: Installation) -> str:
    return Counter(event.user_id for _, event in millrace.judged() if isinstance(event, Event)).most_common(1)[0][0]


def exact(millrace: Installation, degraded: tuple[str, ...] = ()) -> None:
    """Every merged view is the twin's, which leaves out whom the active generation forgets; and so says verify."""
    millrace.check_all_is_applied(degraded)
    assert millrace.prove().mismatches == 0


@pytest.mark.deep
@pytest.mark.parametrize("stores", ["sqlite+sqlite"], indirect=True)
def test_a_forgotten_user_leaves_everything_and_answers_stay_exact(millrace: Installation) -> None:
    millrace = replace(millrace, settings=millrace.settings.changed(gate_shrink=0.02))  # one user makes more than that
    first, second, third, fourth = in_parts(mixed_stream(millrace.settings.rules), 4)
    millrace.produce(first)
    millrace.batch()
    millrace.produce(second)
    millrace.speed()
    user = busiest(millrace)
    before = set(millrace.merged()[0]["seen"][user])
    forget(millrace.log, millrace.settings.rules, user, now=0)
    exact(millrace)
    old = millrace.batch()
    assert old.forgotten == 0
    millrace.check_all_is_applied()
    assert set(millrace.merged()[0]["seen"][user]) == before  # not before a full generation
    full = millrace.batch(full=True)
    assert full.forgotten == 1
    exact(millrace, degraded=("speed",))
    assert user not in millrace.merged()[0]["histories"]
    assert batch_views(millrace.settings).read(generation_book(full.id), "history", [user.encode()]) == {}
    millrace.produce(third)  # the user comes back
    millrace.speed()
    millrace.check_all_is_applied()
    with pytest.raises(BadInput, match="not kept"):
        rollback(millrace.control, old.id)
    millrace.batch()
    millrace.produce(fourth)
    millrace.speed()
    millrace.check_all_is_applied()
    lake = Lake(millrace.spark, millrace.settings.lake_path)
    gone = forgotten(millrace.log, 1)
    assert LakeCare(millrace.spark, lake).purge(gone, 1)["events_deleted"] > 0
    assert (
        lake.until(millrace.log.end_offsets()).where(f"user_id = '{user}' and offset < {gone[user].offset}").isEmpty()
    )
    exact(millrace)


@pytest.mark.deep
@pytest.mark.parametrize("stores", ["sqlite+sqlite"], indirect=True)
def test_a_lost_lake_and_lost_views_bring_nobody_back(millrace: Installation) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    millrace.produce(first)
    user = busiest(millrace)
    forget(millrace.log, millrace.settings.rules, user, now=0)
    assert millrace.batch().forgotten == 1  # the first one computes all anyway
    millrace.produce(second)
    shutil.rmtree(Path(millrace.settings.lake_path))
    assert millrace.batch().forgotten == 1
    exact(millrace, degraded=("speed",))
    shutil.rmtree(Path(millrace.settings.lake_path))
    for end in ("", "-wal", "-shm"):
        Path(millrace.settings.batch_views_url.reveal().removeprefix("sqlite:///") + end).unlink(missing_ok=True)
    assert millrace.batch().forgotten == 1
    millrace.check_all_is_applied(degraded=("speed",))
    millrace.speed()
    exact(millrace)
