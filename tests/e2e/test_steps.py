"""A generation in steps, as separate processes make it: each is harmless to repeat and refuses what is missing."""

import pytest

from adapters.records.books import generation_book
from adapters.stores.opened import batch_views
from batch_layer.gate.verdict import Refused, Verdict
from batch_layer.jobs import generation
from batch_layer.jobs.generation import BatchJob
from batch_layer.jobs.judging import Judging
from batch_layer.runs.lifecycle import Runs, Wish
from core.control.runs import STEPS
from schemas.errors import BadInput, SettingsError
from tests.kit.installation import Installation, rows_of
from tests.kit.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.redis, pytest.mark.cassandra]


class Died(BaseException):
    """Stands for a kill -9."""


def begin(millrace: Installation, **wish: str | int | bool) -> str:
    runs = Runs(batch_views(millrace.settings), millrace.settings, millrace.said.append)
    return runs.begin(millrace.log, Wish(**wish)).id  # type: ignore[arg-type]


def job(millrace: Installation) -> BatchJob:
    return BatchJob(millrace.spark, millrace.log, millrace.settings, millrace.said.append)


def test_each_step_may_be_killed_and_repeated_and_is_done_once(
    millrace: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    millrace.settings = millrace.settings.changed(gate_items=5)
    millrace.produce(first)
    run = begin(millrace, run="by-hand:1", reason="in steps")
    end = millrace.log.end_offsets()
    millrace.produce(second)
    assert begin(millrace, run="by-hand:1") == run
    assert millrace.control.runs[0].boundary.offsets == end
    for step in STEPS:
        for later in STEPS[STEPS.index(step) + 1 :]:
            with pytest.raises(BadInput, match=f"`millrace batch {step} {run}`"):
                job(millrace).step(later, run)
        with monkeypatch.context() as patch:
            if step != "publish":
                patch.setattr(generation, "fault_point", lambda: _die)
                with pytest.raises(Died):
                    job(millrace).step(step, run)
        assert not job(millrace).step(step, run)["already_done"]
        assert job(millrace).step(step, run)["already_done"]
    made = millrace.control.generation(run)
    assert made is not None
    assert (made.reason, made.boundary.offsets, millrace.control.active) == ("in steps", end, run)
    assert made.metrics.keys() >= {"events", "rows", "mode", "lake_version", "evaluation", "gate", "model", "seconds"}
    assert {"items", "history"} <= made.metrics["rows"].keys()  # what the gate compares
    assert millrace.check(degraded=("speed",)) == end
    assert begin(millrace, run="by-hand:1") == run


def _die(step: str) -> None:
    raise Died(step)


@pytest.mark.parametrize("stores", ["sqlite+sqlite"], indirect=True)
def test_what_the_gate_refuses_is_kept_with_the_reason_and_not_activated(
    millrace: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = in_parts(mixed_stream(millrace.settings.rules), 2)
    millrace.produce(first)
    active = millrace.batch().id
    millrace.produce(second)
    with monkeypatch.context() as patch:
        patch.setattr(Judging, "gate", lambda *_: Verdict(("too small",)))
        with pytest.raises(Refused, match="too small"):
            millrace.batch(activate=True)
    kept = millrace.control.generations[-1]
    assert millrace.control.active == active != kept.id
    assert kept.metrics["gate"] == {"passed": False, "reasons": ["too small"]}
    for step in ("gate", "publish"):
        with pytest.raises(Refused, match="too small"):
            job(millrace).step(step, kept.id)
    assert millrace.control.active == active
    assert millrace.batch().id == millrace.control.active
    millrace.check_all_is_applied(degraded=("speed",))


@pytest.mark.deep
@pytest.mark.parametrize("stores", ["sqlite+sqlite"], indirect=True)
def test_a_killed_run_leaves_nothing_once_the_next_is_through(
    millrace: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    millrace.produce(in_parts(mixed_stream(millrace.settings.rules), 1)[0])
    with monkeypatch.context() as patch:
        patch.setattr(generation, "fault_point", lambda: lambda step: _die(step) if step == "trained" else None)
        with pytest.raises(Died):
            millrace.batch()
    (dead,) = millrace.control.runs
    assert batch_views(millrace.settings).spaces(generation_book(dead.id))
    millrace.batch()
    runs = Runs(batch_views(millrace.settings), millrace.settings, millrace.said.append)
    assert runs.clean_up() == [dead.id]
    assert batch_views(millrace.settings).spaces(generation_book(dead.id)) == set()
    with pytest.raises(BadInput, match="a later run was faster"):
        job(millrace).step("evaluate", dead.id)


@pytest.mark.parametrize("stores", ["sqlite+sqlite"], indirect=True)
def test_what_cannot_be_is_refused_before_any_work(millrace: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    for wish, reason in (({"run": "a/b"}, "cannot be a run's id"), ({"at": 7}, "boundary 7 is not kept")):
        with pytest.raises(BadInput, match=reason):
            begin(millrace, **wish)  # type: ignore[arg-type]
    millrace.produce(in_parts(mixed_stream(millrace.settings.rules), 1)[0])
    run = begin(millrace)
    with pytest.raises(BadInput, match="not known"):
        job(millrace).step("ingest", "never-began")
    other = Installation(millrace.spark, millrace.log, millrace.settings.changed(history_items=2))
    for refused in (lambda: begin(other), lambda: job(other).step("ingest", run)):
        with pytest.raises(SettingsError, match="--full"):
            refused()
    shorter = {p: offset - 1 for p, offset in millrace.log.end_offsets().items()}
    real = type(millrace.log).end_offsets
    monkeypatch.setattr(
        type(millrace.log), "end_offsets", lambda log, topic=None: real(log, topic) if topic else shorter
    )
    with pytest.raises(SettingsError, match="lost records"):
        begin(millrace)
    assert [begun.id for begun in millrace.control.runs] == [run]


@pytest.mark.deep
def test_incremental_generations_hold_what_a_full_one_does(millrace: Installation) -> None:
    """Each folds only what is new; the last one is recomputed as a whole at the same boundary."""
    made = []
    for part in in_parts(mixed_stream(millrace.settings.rules), 2):
        millrace.produce(part)
        made.append(millrace.batch())
    millrace.check_all_is_applied(degraded=("speed",))
    full = millrace.batch(full=True)
    assert [generation.metrics["mode"] for generation in (*made, full)] == ["full", "incremental", "full"]
    assert made[1].metrics["base"] == made[0].id
    assert made[1].metrics["new_events"] < made[1].metrics["events"] == full.metrics["events"]
    assert "computing everything: as asked" in millrace.said
    assert rows_of(millrace, made[1].id) == rows_of(millrace, full.id)
    assert millrace.prove().mismatches == 0
