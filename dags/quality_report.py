"""Measures how well each new generation ranks and keeps the figures with an asset."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG
from millrace_tasks import COMMAND, DEFAULTS, GENERATION, REPORT, call

HELP = """
Measures ranking quality on a time split (recall@10, NDCG@10, coverage) after each generation that
`batch_generation` publishes. The figures are the extra of the asset `millrace_quality_report`. Assets shows their
history, and other DAGs can act on them.

**When the task fails** nothing else is affected: read the last sentence of its log, then clear the task.
"""

with DAG(
    "quality_report",
    schedule=[GENERATION],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS | {"execution_timeout": timedelta(hours=4)},
    tags=["millrace"],
    doc_md=HELP,
):
    call(f"{COMMAND} evaluate --json", task_id="evaluate", outlets=[REPORT])
