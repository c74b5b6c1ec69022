"""Shared parts of the DAGs: a task is one call of the command ``millrace``, and may be repeated at any time.

Airflow Variables (or in the environment: AIRFLOW_VAR_ and the name in capitals), all optional:
millrace_command: how to call the command; default ``millrace``, found by PATH.
millrace_folder: where tasks run; ``millrace.toml`` and a relative home are found from there. Default: the worker's own.
millrace_submit: e.g. ``spark-submit --master spark://… --py-files millrace.zip batch_layer/jobs/generation.py``; steps
    that need the engine then run as that, with ``--step NAME --run ID``.
Two are read from the environment only, as they are needed before a task runs: AIRFLOW_VAR_MILLRACE_SCHEDULE, when
generations are made (@hourly), and AIRFLOW_VAR_MILLRACE_RETRY_SECONDS, the pause before a first retry (60).
"""

import hashlib
import json
import os
import re
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset

GENERATION = Asset(name="millrace_generation", uri="millrace://generation/active", group="millrace")
REPORT = Asset(name="millrace_quality_report", uri="millrace://generation/quality", group="millrace")
COMMAND = "{{ var.value.get('millrace_command', 'millrace') }}"
RUN = "{{ run_name(dag_run.run_id) }}"
SCHEDULE = os.environ.get("AIRFLOW_VAR_MILLRACE_SCHEDULE", "@hourly")
RETRY_SECONDS = float(os.environ.get("AIRFLOW_VAR_MILLRACE_RETRY_SECONDS", "60"))
DEFAULTS: dict[str, Any] = {
    "owner": "millrace",
    "retries": 3,
    "retry_delay": timedelta(seconds=RETRY_SECONDS),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=30),
    "execution_timeout": timedelta(minutes=30),
}


class MillraceOperator(BashOperator):
    """Runs a command whose result, the JSON that it printed, is the extra of the assets that it updates."""

    def execute(self, context: Any) -> Any:
        result = super().execute(context)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = result
        return result


def call(command: str, **arguments: Any) -> MillraceOperator:
    """Returns a task that runs one command to its end."""
    # Only stdout is the result; stderr goes to the task's log line by line.
    script = f'result=$({command}); status=$?; echo "$result"; exit $status'
    folder = "{{ var.value.get('millrace_folder', '.') }}"
    return MillraceOperator(bash_command=script, cwd=folder, append_env=True, output_processor=json.loads, **arguments)


def step(name: str, hours: float, **arguments: Any) -> MillraceOperator:
    """Returns the task of a step that needs the engine; it may take ``hours``."""
    submitted = "{{ var.value.get('millrace_submit', '') }}"
    command = (
        "{% if var.value.get('millrace_submit', '') %}"
        f"{submitted} --step {name} --run '{RUN}'"
        "{% else %}"
        f"{COMMAND} batch {name} '{RUN}' --json"
        "{% endif %}"
    )
    return call(command, task_id=name, execution_timeout=timedelta(hours=hours), **arguments)


def run_name(run_id: str) -> str:
    """Return the generation's id: that of the DAG run, so that a repeated task finds its earlier work."""
    plain = re.sub(r"[^A-Za-z0-9_.:+~@-]", "_", run_id)[:100]
    return plain if plain == run_id else f"{plain}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
