"""A generation: cut a boundary, ingest, compute, train, evaluate, gate, publish, clean up."""

from datetime import UTC, datetime

from airflow.sdk import DAG, Param
from millrace_tasks import COMMAND, DEFAULTS, GENERATION, RUN, SCHEDULE, call, run_name, step

HELP = """
Makes one generation of all views and models and publishes it. Its id is that of the DAG run. Answers do not change
before `publish`, and no earlier task leaves anything that could disturb the next run.

**Repeating.** Every task may be retried or cleared at any time: a finished task says so and changes nothing.
To make another generation, start another run.

**When a task fails** its log ends with a sentence that begins with `millrace:` and names the remedy, and the same as
JSON, whose `outcome` is `refused` (by the gate), `left out` (another run is at work) or `failed`;
docs/operations/ explains it. Besides:

| task | usual reasons | what to do |
| --- | --- | --- |
| boundary | log or batch views do not answer; settings changed | retried; for new settings start a run with `full` |
| ingest | retention removed records, disk full, another run is filling the lake | free space, then clear the task |
| compute, train | too little memory, an unreachable store | raise `spark_memory` or add executors, clear the task |
| evaluate | as compute | clear the task |
| gate | the generation is worse than the active one, shrunken, or its sums are wrong | see below |
| publish | a later run was faster | nothing: the later one is active |
| clean_up | the batch views do not answer | nothing: the next run cleans up |

A generation that the gate refused is kept, not activated: `millrace generations` says why. `millrace rollback ID`
activates it all the same. Otherwise repair the data and start another run.

**Parameters.** `full` recomputes everything, after changed settings or to remove forgotten users.
`boundary` names a recorded boundary to end at instead of the log's end. `reason` is kept with the generation.
"""

with DAG(
    "batch_generation",
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params={
        "boundary": Param(None, type=["null", "integer"], minimum=1, description="Id of a recorded boundary"),
        "full": Param(False, type="boolean", description="Recompute everything"),
        "reason": Param("", type="string", maxLength=200, description="Kept with the generation"),
    },
    user_defined_macros={"run_name": run_name},
    tags=["millrace"],
    doc_md=HELP,
):
    asked = (
        "{{ '--full' if params.full }} {{ '' if params.boundary is none else '--at ' ~ params.boundary }} "
        "{{ '' if dag_run.run_type.value == 'manual' else '--scheduled' }}"
    )
    boundary = call(
        f"{COMMAND} batch boundary --run '{RUN}' {asked} --reason \"$REASON\" --json",
        task_id="boundary",
        env={"REASON": "{{ params.reason or 'Airflow, ' ~ dag_run.run_type.value }}"},
    )
    publish = call(f"{COMMAND} batch publish '{RUN}' --json", task_id="publish", outlets=[GENERATION])
    clean_up = call(f"{COMMAND} batch clean-up --json", task_id="clean_up")
    work = [step("ingest", 2), step("compute", 8), step("train", 8), step("evaluate", 4), step("gate", 2, retries=1)]

    boundary >> work[0] >> work[1] >> work[2] >> work[3] >> work[4] >> publish
    # A teardown also runs after a failure, and its success does not turn a failed run into a successful one.
    publish >> clean_up.as_teardown(setups=boundary)
