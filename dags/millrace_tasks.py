"""What the DAGs of Millrace share: a task is one call of the command ``millrace``, and may be repeated at any time.

Airflow Variables (or in the environment: AIRFLOW_VAR_ and the name in capitals), all optional:
millrace_command: how to call the command; default ``millrace``, found by PATH.
millrace_folder: where tasks run; ``millrace.toml`` and a relative home are found from there. Default: the worker's own.
millrace_submit: e.g. ``spark-submit --master spark://… --py-files millrace.zip batch_layer/jobs/generation.py``; steps
    that need the engine then run as that, with ``--step NAME --run ID``.
In the environment only, as they are needed before a task runs: AIRFLOW_VAR_MILLRACE_SCHEDULE, when generations are made
(@hourly), and AIRFLOW_VAR_MILLRACE_RETRY_SECONDS, the pause before a first retry (60).
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
    """Its result, the JSON that the command printed, goes with the assets that it updates."""

    def execute(self, context: Any) -> Any:
        told = super().execute(context)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = told
        return told


def call(command: str, **given: Any) -> MillraceOperator:
    """Runs one command to its end."""
    # Only stdout is the result; what the command tells people goes to the task's log as it comes.
    script = f'result=$({command}); status=$?; echo "$result"; exit $status'
    folder = "{{ var.value.get('millrace_folder', '.') }}"
    return MillraceOperator(bash_command=script, cwd=folder, append_env=True, output_processor=json.loads, **given)


def step(name: str, hours: float, **given: Any) -> MillraceOperator:
    """A step of a generation that needs the engine, with the time that it may take."""
    submitted = "{{ var.value.get('millrace_submit', '') }}"
    command = (
        "{% if var.value.get('millrace_submit', '') %}"
        f"{submitted} --step {name} --run '{RUN}'"
        "{% else %}"
        f"{COMMAND} batch {name} '{RUN}' --json"
        "{% endif %}"
    )
    return call(command, task_id=name, execution_timeout=timedelta(hours=hours), **given)


def run_name(run_id: str) -> str:
    """The generation's id: that of the DAG run, so that a repeated task finds what it did before."""
    plain = re.sub(r"[^A-Za-z0-9_.:+~@-]", "_", run_id)[:100]
    return plain if plain == run_id else f"{plain}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
