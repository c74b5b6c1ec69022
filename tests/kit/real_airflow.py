"""A real Airflow for tests: the processes that ``make airflow`` starts, and a client of its HTTP API."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from json import JSONDecodeError
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from adapters.machine.children import child, free_port
from millrace.running.with_airflow import airflow_environment, airflow_parts, make_database
from tests.kit.waiting import until

READY_SECONDS = 180.0
LOOK_EVERY_SECONDS = 0.5  # each look is a request that takes Airflow some time
RUN_SECONDS = 1200.0  # ten cold Spark starts, perhaps beside other tests


@dataclass
class Airflow:
    """One that answers at ``url``."""

    url: str
    home: Path
    token: str = field(default="", repr=False)

    def ask(self, path: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
        """The JSON that it answers; raises HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        with urlopen(Request(self.url + path, data, headers, method=method), timeout=120) as answer:
            return json.loads(answer.read() or b"null")

    def log_in(self) -> None:
        passwords = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_text())
        self.token = self.ask("/auth/token", {"username": "admin", "password": passwords["admin"]})["access_token"]

    def ready(self) -> bool:
        """Whether the DAGs are known."""
        try:
            if not self.token:
                self.log_in()
            return {dag["dag_id"] for dag in self.ask("/api/v2/dags")["dags"]} >= {"batch_generation"}
        except (URLError, HTTPError, OSError, JSONDecodeError):  # the last: its passwords are being written
            return False

    def switch_on(self, dag: str) -> str:
        """Unpause it; the run that its schedule then makes at once."""
        self.ask(f"/api/v2/dags/{dag}", {"is_paused": False}, "PATCH")
        runs: list[dict[str, Any]] = []

        def scheduled() -> bool:
            runs[:] = self.ask(f"/api/v2/dags/{dag}/dagRuns")["dag_runs"]
            return bool(runs)

        until(scheduled, READY_SECONDS, lambda: "nothing was scheduled", LOOK_EVERY_SECONDS)
        return str(runs[0]["dag_run_id"])

    def run(self, dag: str, run: str, **conf: Any) -> dict[str, str]:
        """Trigger a run and wait for its end; the state of each task and, under an empty name, of the run."""
        self.ask(f"/api/v2/dags/{dag}/dagRuns", {"dag_run_id": run, "logical_date": None, "conf": conf})
        return self.ended(dag, run)

    def clear(self, dag: str, run: str) -> dict[str, str]:
        """Have all tasks of a run run again, and wait."""
        self.ask(
            f"/api/v2/dags/{dag}/clearTaskInstances",
            {"dry_run": False, "dag_run_id": run, "only_failed": False, "reset_dag_runs": True},
        )
        return self.ended(dag, run)

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        return list(self.ask(f"/api/v2/dags/{dag}/dagRuns/{quote(run)}/taskInstances")["task_instances"])

    def ended(self, dag: str, run: str) -> dict[str, str]:
        """Wait for the end of a run; the state of each task and, under an empty name, of the run."""

        def state() -> str:
            return str(self.ask(f"/api/v2/dags/{dag}/dagRuns/{quote(run)}")["state"])

        def tasks() -> dict[str, str]:
            return {task["task_id"]: task["state"] for task in self.tasks(dag, run)}

        until(lambda: state() in ("success", "failed"), RUN_SECONDS, tasks, LOOK_EVERY_SECONDS)
        return {"": state(), **tasks()}

    def log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """The task's log as JSON text."""
        return json.dumps(self.ask(f"/api/v2/dags/{dag}/dagRuns/{quote(run)}/taskInstances/{task}/logs/{attempt}"))


@contextmanager
def airflow(folder: Path, env: Mapping[str, str]) -> Iterator[Airflow]:
    """A new one; ``env`` is that of its tasks too."""
    home = folder / "airflow"
    home.mkdir()
    port = free_port()
    made = airflow_environment(home, port, folder, env)
    make_database(made)
    started = Airflow(f"http://127.0.0.1:{port}", home)
    with ExitStack() as stack:
        for part in airflow_parts(made, folder / "logs"):
            last = stack.enter_context(child(part.name, part.command, part.log, grace=30, env=part.env))
        last.wait_until(started.ready, READY_SECONDS)
        yield started
