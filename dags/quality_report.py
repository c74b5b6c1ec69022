"""After each new generation: how well it ranks, kept with an asset."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG
from millrace_tasks import COMMAND, DEFAULTS, GENERATION, REPORT, call

HELP = """
Measures ranking quality on a time split (recall@10, NDCG@10, coverage) after each generation that
`batch_generation` publishes. The figures are the extra of the asset `millrace_quality_report`: a history of quality
under Assets, and for other DAGs to act on.

**When the task fails** nothing else is touched: see its log's last sentence, then clear it.
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
