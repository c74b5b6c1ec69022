"""The commands ``batch …``, ``generations`` and ``rollback``."""

import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from adapters.machine.home import prepare_home
from adapters.machine.stopping import until_stopped
from adapters.records.control import change_control, read_control
from adapters.records.lease import BATCH_RUN, Lease
from adapters.settings import Settings, load_settings, milliseconds
from adapters.stores.opened import batch_views
from adapters.terminal.commands import as_json, echo, print_json, reports_errors, reports_outcome
from adapters.terminal.reporting import reporter
from core.control.changes import rollback as rolled_back
from core.control.runs import STEPS
from schemas.control import Control
from schemas.errors import BadInput, NotReady, SettingsError
from schemas.metrics import measured

SHORTEST_MS = 10_000  # between two runs of a schedule


@click.group()
def batch() -> None:
    """The batch layer: compute and publish a generation."""


_search = click.option("--search", type=click.IntRange(0), default=0, metavar="N", help="Try N ALS settings first.")
_ungated = click.option("--ungated", is_flag=True, help="Note what the gate finds, and activate all the same.")


@batch.command()
@click.option("--full", is_flag=True, help="Recompute all with the current settings; needed after they changed.")
@click.option("--every", metavar="D", help="Repeat, e.g. every 10m, with 5 % jitter either way; ends with Ctrl-C.")
@click.option("--reason", default="", help="Kept with the generation.")
@click.option("--scheduled", is_flag=True, help="Do not activate the generation while a rollback holds.")
@_search
@_ungated
@as_json
@reports_outcome
def run(full: bool, every: str | None, reason: str, scheduled: bool, search: int, ungated: bool, as_json: bool) -> None:
    """Ingest the log, compute every view, publish them as one generation and sum it up; --json prints all of it.

    Exit status 1 when the gate keeps it from serving, when another one is at work, and when there were events and all
    of them were rejected; with --json the last line then says by "outcome" which it is: refused, left out or failed.
    """
    settings, say = load_settings(), reporter("batch")
    prepare_home(settings.home)
    if every:
        words = ["--scheduled", "--reason", reason, "--search", str(search)]
        words += [word for word, wanted in (("--full", full), ("--ungated", ungated)) if wanted]
        _run_every(milliseconds(every), words, settings, say, as_json)
        return
    from adapters.broker.opening import open_log
    from batch_layer.jobs.generation import BatchJob, shown
    from batch_layer.runs.counted import require_counted

    lease = Lease(batch_views(settings), settings.speed.lease_ms / 1000, BATCH_RUN)
    lease.acquire(say)
    try:
        with open_log(settings) as log:
            job = BatchJob(None, log, settings, say, search, ungated)
            made = job.run(reason, full, activate=None if scheduled else True, owner=lease.owner)
            _print_outcome(shown(made), as_json)
            require_counted(made.id, made.measured, settings.rules, scheduled)
    finally:
        lease.release()


def _print_outcome(generation: dict[str, Any], as_json: bool) -> None:
    """Print a generation: all of it for programs, or what a person wants to know."""
    from batch_layer.runs.summary import summary

    if as_json:
        print_json(generation)
    else:
        echo(summary(generation))


def _run_every(every_ms: int, words: list[str], settings: Settings, say: Callable[[str], None], as_json: bool) -> None:
    """Start a process for each run; its output goes to ``logs/batch.log``, and its generation to stdout too."""
    from batch_layer.runs.schedule import Schedule, in_a_process

    if every_ms < SHORTEST_MS:
        raise SettingsError(f"--every must be at least {SHORTEST_MS // 1000} s: starting a run takes as long")
    log, stop = settings.home / "logs" / "batch.log", threading.Event()
    command = [sys.executable, "-m", "millrace", "batch", "run", "--json", *words]
    say(f"every {every_ms / 1000:g} s; what the runs say goes to {log}")
    schedule = Schedule(batch_views(settings), every_ms, settings.speed.lease_ms / 1000, stop, say)
    with until_stopped(stop.set):
        schedule.run(lambda: in_a_process(command, log, stop, lambda made: _print_outcome(made, as_json)))


@batch.command()
@click.option(
    "--run",
    default="",
    metavar="ID",
    help="The id of the run; for one that began before, its boundary is printed again.",
)
@click.option("--at", type=int, metavar="N", help="End at a boundary recorded before, by its id, not at the log's end.")
@click.option("--full", is_flag=True, help="Recompute all with the current settings; needed after they changed.")
@click.option("--reason", default="", help="Kept with the generation.")
@click.option("--scheduled", is_flag=True, help="Do not activate the generation while a rollback holds.")
@as_json
@reports_outcome
def boundary(run: str, at: int | None, full: bool, reason: str, scheduled: bool, as_json: bool) -> None:
    """Begin a run: record where its generation will end. The steps that follow take its id."""
    from adapters.broker.opening import open_log
    from batch_layer.runs.lifecycle import Runs, Wish

    settings = load_settings()
    with open_log(settings) as log:
        begun = Runs(batch_views(settings), settings, reporter("batch")).begin(
            log, Wish(reason, full, scheduled, at, run)
        )
    offsets = {str(partition): offset for partition, offset in begun.boundary.offsets.items()}
    if as_json:
        print_json({"run": begun.id, "boundary": offsets})
    else:
        ends = ", ".join(f"{partition}: {offset}" for partition, offset in offsets.items())
        echo(f"run {begun.id} ends at the offsets {ends}; next: `millrace batch {STEPS[0]} {begun.id}`")


def _step_command(step: str, text: str) -> click.Command:
    """Return the command ``millrace batch STEP RUN``."""

    @click.command(step, help=text)
    @click.argument("run_id", metavar="RUN")
    @as_json
    @reports_outcome
    def command(run_id: str, as_json: bool, search: int = 0, ungated: bool = False) -> None:
        from adapters.broker.opening import open_log
        from batch_layer.jobs.generation import BatchJob
        from batch_layer.runs.counted import require_counted

        settings, say = load_settings(), reporter("batch")
        with open_log(settings) as log:
            result = BatchJob(None, log, settings, say, search, ungated).step(step, run_id)
        if as_json:
            print_json(result)
        else:
            echo(_sentence(step, run_id))
        if step == "publish":
            require_counted(run_id, measured(result["metrics"]), settings.rules, scheduled=True)

    own = {"train": _search, "gate": _ungated}.get(step)
    return own(command) if own else command


def _sentence(step: str, run_id: str) -> str:
    """Return the sentence that a step is done, with the command of the next one."""
    later = STEPS[STEPS.index(step) + 1 :]
    return f"run {run_id}: {step} is done" + (f"; next: `millrace batch {later[0]} {run_id}`" if later else "")


for _step, _text in {
    "ingest": "Bring the lake up to the run's boundary.",
    "compute": "Fold, add up and write every view.",
    "train": "Fit the ALS model on everything below the boundary.",
    "evaluate": "Measure ranking quality, sizes and drift.",
    "gate": "Let the generation pass, or keep it without activating it (exit 1).",
    "publish": "Make it the active generation, unless the gate refused it or a rollback holds.",
}.items():
    batch.add_command(_step_command(_step, f"{_text} A step that is done is not done twice."))


@batch.command("clean-up")
@as_json
@reports_errors
def clean_up(as_json: bool) -> None:
    """Delete generations that were replaced at least `grace` ago, and runs that died."""
    from batch_layer.runs.lifecycle import Runs

    settings = load_settings()
    _control()
    runs = Runs(batch_views(settings), settings, reporter("batch"))
    deleted = runs.clean_up()
    runs.mark()
    if as_json:
        print_json({"deleted": deleted})
    else:
        echo(f"deleted: {', '.join(deleted)}" if deleted else "nothing to delete")


@click.command()
@as_json
@reports_errors
def generations(as_json: bool) -> None:
    """List the kept generations, oldest first, which one is active, and those in the making."""
    from core.control.listing import listed_generations

    rows = listed_generations(_control())
    if as_json:
        print_json(rows)
        return
    from adapters.terminal.console import console
    from adapters.terminal.fitted_table import print_table
    from batch_layer.runs.listing import FIELDS

    print_table(console(), FIELDS, rows)


@click.command()
@click.argument("generation", required=False)
@click.option("--release", is_flag=True, help="Let scheduled runs activate their generations again.")
@as_json
@reports_errors
def rollback(generation: str | None, release: bool, as_json: bool) -> None:
    """Make a kept GENERATION (default: the previous one) active again, and hold it there until released."""
    from dataclasses import replace

    control = _control()
    if release:
        change_control(batch_views(load_settings()), lambda newest: replace(newest, held=False))
    else:
        if generation is None and control.active is None:
            raise BadInput("there is nothing to roll back from: no generation was published yet")
        target = generation or control.predecessor
        change_control(batch_views(load_settings()), lambda newest: rolled_back(newest, target))
    now = _control()
    outcome = {"active": now.active, "predecessor": now.predecessor, "held": now.held}
    if as_json:
        print_json(outcome)
    else:
        echo(f"active: {now.active or '(the empty generation)'}{', held' if now.held else ''}")


def _control() -> Control:
    settings = load_settings()
    control = read_control(batch_views(settings)) if settings.stores.batch_views or settings.home.is_dir() else None
    if control is None:
        raise NotReady("nothing ran yet: run `millrace batch run` or `millrace up`")
    return control
