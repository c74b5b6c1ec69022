"""The DAGs are read by an Airflow that has nothing of ours around it."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from millrace.running.with_airflow import AIRFLOW, ROOT

# Warnings are errors; prints what a person would look up.
READER = """
import importlib.util, json, os, sys
from airflow.dag_processing.dagbag import DagBag
from millrace_tasks import run_name

bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
names = ("adapters", "batch_layer", "core", "recommenders", "millrace", "schemas", "pyspark")
print(json.dumps({
    "ours": [name for name in names if importlib.util.find_spec(name)],
    "errors": bag.import_errors,
    "names": {name: run_name(name) for name in ("manual__2026-01-01T00:00:00+00:00", "a b", "a/b", "a" * 250)},
    "warnings": [str(each) for each in bag.captured_warnings.values()],
    "dags": {
        dag.dag_id: {
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "help": dag.doc_md,
            "params": {name: param.schema for name, param in dag.params.items()},
            "tasks": {
                task.task_id: {
                    "after": sorted(task.upstream_task_ids),
                    "retries": task.retries,
                    "backoff": task.retry_exponential_backoff,
                    "timeout": task.execution_timeout and task.execution_timeout.total_seconds(),
                    "assets": [asset.name for asset in task.outlets],
                    "teardown": task.is_teardown,
                }
                for task in dag.tasks
            },
        }
        for dag in bag.dags.values()
    },
}))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow finds in dags/, read in a folder and an environment of its own."""
    folder = tmp_path_factory.mktemp("airflow")
    env = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "dags"),  # as Airflow's own processes have it
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [AIRFLOW.parent / "python", "-W", "error", "-c", READER],
        env=env, cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def test_the_dags_parse_alone_without_a_warning(read: dict[str, Any]) -> None:
    assert (read["ours"], read["errors"], read["warnings"]) == ([], {}, [])
    assert set(read["dags"]) == {"batch_generation", "lake_maintenance", "quality_report"}


def test_a_dag_never_overtakes_itself_and_says_what_to_do(read: dict[str, Any]) -> None:
    for dag in read["dags"].values():
        assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
        assert "fails" in dag["help"]
        for name in dag["tasks"]:
            assert name.replace("_", " ") in dag["help"].replace("_", " ") or len(dag["tasks"]) == 1, name


def test_every_task_is_retried_later_and_later_and_ends_some_time(read: dict[str, Any]) -> None:
    for dag in read["dags"].values():
        for task in dag["tasks"].values():
            assert task["retries"] >= 1
            assert task["backoff"] > 1
            assert 0 < task["timeout"] <= 8 * 3600


def test_a_generation_has_the_id_of_its_dag_run_or_one_that_only_that_run_gives(read: dict[str, Any]) -> None:
    names = read["names"]
    kept = "manual__2026-01-01T00:00:00+00:00"
    assert names[kept] == kept
    assert len(set(names.values())) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:+~@-]{0,127}", name) for name in names.values())


def test_the_steps_of_a_generation_follow_each_other(read: dict[str, Any]) -> None:
    dag = read["dags"]["batch_generation"]
    order = ["boundary", "ingest", "compute", "train", "evaluate", "gate", "publish"]
    assert {name: dag["tasks"][name]["after"] for name in order} == {
        name: [order[at - 1]] if at else [] for at, name in enumerate(order)
    }
    assert [name for name, task in dag["tasks"].items() if task["teardown"]] == ["clean_up"]
    assert dag["tasks"]["publish"]["assets"] == ["millrace_generation"]
    assert {name: schema["type"] for name, schema in dag["params"].items()} == {
        "boundary": ["null", "integer"],
        "full": "boolean",
        "reason": "string",
    }


def test_no_file_is_named_like_a_library() -> None:
    """The folder is on Airflow's path, before the libraries."""
    names = {path.stem for path in Path(ROOT / "dags").glob("*.py")}
    probe = f"import importlib.util; print([n for n in {sorted(names)} if importlib.util.find_spec(n)])"
    said = subprocess.run(
        [AIRFLOW.parent / "python", "-I", "-c", probe], capture_output=True, text=True, timeout=120, check=True
    )
    assert said.stdout.strip() == "[]"
