"""The DAG batch_generation on a real Airflow, against a real broker, engine and stores."""

import shlex
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.records.books import CONTROL
from adapters.stores import open_store
from millrace.running.with_airflow import ROOT
from schemas.control import Control, Generation
from tests.kit.commands import Commands
from tests.kit.real_airflow import Airflow, airflow
from tests.kit.scratch import scratch

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.deep, pytest.mark.timeout(1800)]

DAG = "batch_generation"
# The first time that compute has all but ended it is killed, as by a machine that goes.
COMMAND = """#!/bin/sh
if [ "$2" = compute ] && mkdir {mark} 2> /dev/null; then export MILLRACE_FAULT=computed; fi
PYTHONPATH={root} exec {python} -m millrace "$@"
"""


@dataclass
class Nightly:
    """An installation whose generations Airflow makes."""

    millrace: Commands
    airflow: Airflow
    home: Path

    @property
    def control(self) -> Control:
        record = open_store(f"sqlite:///{self.home / 'batch.sqlite'}").record(CONTROL)
        assert record is not None
        return Control.from_json(record)

    @property
    def active(self) -> Generation:
        active = self.control.generation(self.control.active)
        assert active is not None
        return active

    def commits(self) -> int:
        """Of the lake's events."""
        return len(list((self.home / "lake" / "events" / "_delta_log").glob("*.json")))


@pytest.fixture(scope="module")
def nightly(kafka_bootstrap: str) -> Iterator[Nightly]:
    with scratch("airflow") as folder:
        prefix = f"dags-{uuid.uuid4().hex[:6]}-"
        millrace = Commands(folder, {"MILLRACE_KAFKA": kafka_bootstrap, "MILLRACE_TOPIC_PREFIX": prefix})
        command = folder / "millrace.sh"
        places = {"mark": folder / "killed", "python": sys.executable, "root": ROOT}
        command.write_text(COMMAND.format(**{name: shlex.quote(str(place)) for name, place in places.items()}))
        command.chmod(0o755)
        variables = {"AIRFLOW_VAR_MILLRACE_COMMAND": str(command), "AIRFLOW_VAR_MILLRACE_RETRY_SECONDS": "1"}
        variables["AIRFLOW_VAR_MILLRACE_SCHEDULE"] = "@yearly"  # one run when it is switched on, and no other meanwhile
        millrace.run(
            "generate", "--users", "30", "--items", "20", "--events", "600", "--seed", "5", "--out", "events.jsonl"
        )
        lines = (folder / "events.jsonl").read_text().splitlines(keepends=True)
        for name, part in (("first", lines[:400]), ("second", lines[400:])):
            (folder / f"{name}.jsonl").write_text("".join(part))
        millrace.run("produce", folder / "first.jsonl")
        with airflow(folder, {**millrace.environment, **variables}) as started:
            yield Nightly(millrace, started, folder / ".millrace")


def test_a_scheduled_run_publishes_a_generation_although_a_task_was_killed_once(nightly: Nightly) -> None:
    run = nightly.airflow.switch_on(DAG)
    states = nightly.airflow.ended(DAG, run)
    assert set(states.values()) == {"success"}, nightly.airflow.log(DAG, run, "compute", 2)
    tries = {task["task_id"]: task["try_number"] for task in nightly.airflow.tasks(DAG, run)}
    assert {name for name, count in tries.items() if count > 1} == {"compute"}
    active = nightly.active
    assert (active.id, active.reason, active.metrics["events"]) == (run, "Airflow, scheduled", 400)
    (event,) = nightly.airflow.ask("/api/v2/assets/events")["asset_events"]
    assert (event["name"], event["extra"]["run"]) == ("millrace_generation", active.id)


def test_b_a_cleared_run_changes_nothing_twice(nightly: Nightly) -> None:
    before, commits = nightly.control, nightly.commits()
    assert set(nightly.airflow.clear(DAG, nightly.active.id).values()) == {"success"}
    assert (nightly.control, nightly.commits()) == (before, commits)


def test_c_the_next_run_publishes_the_next_generation(nightly: Nightly) -> None:
    first = nightly.active.id
    nightly.millrace.run("produce", nightly.home.parent / "second.jsonl")
    said = """it's "$HOME" & `id`"""
    assert set(nightly.airflow.run(DAG, "second", reason=said).values()) == {"success"}
    active = nightly.active
    assert (active.id, active.reason, active.metrics["events"]) == ("second", said, 600)
    assert nightly.control.predecessor == first
    assert nightly.millrace.json("verify")["mismatches"] == 0


def test_d_maintenance_by_hand_leaves_what_is_not_forgotten_yet(nightly: Nightly) -> None:
    assert nightly.millrace.json("forget", "user-1")["user_id"] == "user-1"
    cared = nightly.millrace.json("lake", "maintain")
    assert (cared["events_deleted"], cared["files_joined"] > cared["files_made"] > 0) == (0, True)
    assert cared["kept_hours"] == 7 * 24
