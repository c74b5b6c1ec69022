"""Maintains the lake every night: deletes forgotten users' events, joins small files, deletes unused files."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param
from millrace_tasks import COMMAND, DEFAULTS, call

HELP = """
Maintains the event lake. It may run beside everything else and changes no answer.

| task | does |
| --- | --- |
| purge | deletes the events of users whom the active generation forgets |
| optimize | joins small files up to 128 MiB |
| vacuum | deletes files that left the lake longer ago than `keep`, but none that a kept generation was made from |

**When a task fails** with `the lake was filled at the same moment`, an ingest was faster: Airflow retries. Otherwise
the log's last sentence names the remedy. Every task may be repeated at any time. Skipping a night does no harm.
"""

with DAG(
    "lake_maintenance",
    schedule="30 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | {"execution_timeout": timedelta(hours=4)},
    params={
        "keep": Param(
            "7d",
            type="string",
            pattern=r"^[0-9]+[hd]$",
            description="How long files that left the lake stay, for running readers",
        )
    },
    tags=["millrace"],
    doc_md=HELP,
):
    maintain = f"{COMMAND} lake maintain --json"
    purge = call(f"{maintain} purge", task_id="purge")
    optimize = call(f"{maintain} optimize", task_id="optimize")
    vacuum = call(f"{maintain} vacuum --keep '{{{{ params.keep }}}}'", task_id="vacuum")

    purge >> optimize >> vacuum
