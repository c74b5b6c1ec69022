"""One generation, step by step: ingest, compute, train, evaluate, gate, publish.

``spark-submit --py-files millrace.zip batch_layer/jobs/generation.py [--full] [--reason R]`` runs all of them,
``… --step NAME --run ID`` one; so do ``millrace batch run`` and ``millrace batch NAME ID``.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from adapters.engine.errors import translated
from adapters.engine.tasks import Engine
from adapters.log.forgotten import forgotten
from adapters.log.kafka_log import Log
from adapters.machine.faults import fault_point
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from adapters.terminal.commands import outcome_line
from adapters.terminal.progress import progress, waiting
from adapters.terminal.reporting import reporter
from batch_layer.gate.verdict import Refused
from batch_layer.jobs.judging import Judging
from batch_layer.jobs.lake_filler import LakeFiller
from batch_layer.jobs.view_maker import ViewMaker
from batch_layer.runs.counted import require_counted
from batch_layer.runs.lifecycle import Runs, Wish, delete_book
from core.control.runs import STEPS, base_of, named, require_earlier
from schemas.control import Control, Generation, Run
from schemas.errors import BadInput, MillraceError, SettingsError
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from adapters.lake.files import Stretch

Say = Callable[[str], None]
# A crash test may end the process here: the step's work is done but not yet noted.
FAULTS = {"ingest": "ingested", "compute": "computed", "train": "trained", "evaluate": "evaluated", "gate": "gated"}


@dataclass
class BatchJob:
    """The steps of a run, each harmless to repeat; ``run`` does them all and returns the generation.

    ``spark``: an open session, which all steps then use; None: opened by the first step that has many events.
    ``search``: among how many ALS settings to look for better ones. ``ungated``: what the gate finds is noted, and
    does not stop the activation.
    """

    spark: "SparkSession | None"
    log: Log
    settings: Settings
    say: Say
    search: int = 0
    ungated: bool = False
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self.settings, session=self.spark)

    def run(self, reason: str = "", full: bool = False, activate: bool | None = None, owner: str = "") -> Generation:
        """Make and publish a generation of everything below a boundary that is recorded first.

        Args:
            activate: None: unless a rollback holds.      owner: as in ``Wish``; then no other process makes one now.
        Raises:
            MillraceError: refused or failed; nothing that readers see has changed.
        """
        try:
            return self._run(Wish(reason, full, scheduled=activate is None, owner=owner))
        except Exception as error:
            raise translated(error) from error

    def _run(self, wish: Wish) -> Generation:
        fault, runs = fault_point(), self._runs
        runs.clean_up(alone=bool(wish.owner))
        name = runs.begin(self.log, wish).id
        fault("boundary")
        with progress("generation", len(STEPS)) as reached:
            for done, step in enumerate(STEPS):
                reached(done, now=step)
                self._step(step, name)
        fault("published")
        runs.mark()
        fault("dropped")
        generation = runs.find(name)[0].generation(name)
        assert generation is not None
        return generation

    def step(self, step: str, name: str) -> dict[str, Any]:
        """Do one step of the run unless it is done; return what is then known of the run.

        Raises:
            MillraceError: an earlier step is missing, the run is not known, or the step failed or refused.
        """
        try:
            with waiting(step):
                return self._step(step, name)
        except Exception as error:
            raise translated(error) from error

    def _step(self, step: str, name: str) -> dict[str, Any]:
        control, run = self._runs.find(name)
        if step in ("gate", "publish") and not run.measured.gate.passed:
            self._refuse(run)
        if isinstance(run, Generation) or step in run.done:
            self.say(f"run {name}: {step} is done already")
            return {"run": name, "step": step, "already_done": True, "metrics": run.metrics}
        require_earlier(run, step)
        started = time.monotonic()
        try:
            metrics = getattr(self, f"_{step}")(control, run)
            if step != "publish":
                metrics["step_seconds"] = {step: round(time.monotonic() - started, 1)}
                fault_point()(FAULTS[step])
                self._runs.note(run, step, metrics)
        except BadInput:
            self._leave_nothing(name)
            raise
        return {"run": name, "step": step, "already_done": False, "metrics": metrics}

    def _ingest(self, control: Control, run: Run) -> dict[str, Any]:
        """Bring the log into the lake; return the version of the lake that holds all of the run's events."""
        filler = LakeFiller(self.engine, self.log, self.settings, self.say)
        return filler.fill(control, run.boundary, self._rules_of(run))

    def _compute(self, control: Control, run: Run) -> dict[str, Any]:
        return self._maker(run, run.forgotten).write(base_of(control, run))

    def _train(self, control: Control, run: Run) -> dict[str, Any]:
        return self._judging(control, run).train(run.full, self.search)

    def _evaluate(self, control: Control, run: Run) -> dict[str, Any]:
        return self._judging(control, run).evaluate()

    def _gate(self, control: Control, run: Run) -> dict[str, Any]:
        """Let the run pass, or publish it with the reasons without activating it.

        Raises:
            Refused: it was kept, and not activated.
        """
        active = control.generation(control.active)
        same_rules = active is not None and active.fingerprint == run.fingerprint
        verdict = self._judging(control, run).gate(same_rules)
        passed = self.ungated or not verdict.reasons
        noted = {"gate": verdict.shown(passed)}
        if verdict.reasons and passed:
            self.say(f"the gate would not activate it (overruled): {'; '.join(verdict.reasons)}")
        if verdict.overruled and passed:
            self.say(f"activated for the users whom it forgets, whatever its quality: {'; '.join(verdict.overruled)}")
        for warning in verdict.warnings:
            self.say(warning)
        if not passed:
            self._runs.note(run, "gate", noted)
            self._refuse(replace(run, metrics=noted))
        return noted

    def _refuse(self, run: Run | Generation) -> None:
        """Publish what the gate refused, if that is not done yet, without activating it; raises ``Refused``."""
        if isinstance(run, Run):
            self._runs.publish(run, self._rules_of(run), activate=False)
        reasons = "; ".join(run.measured.gate.reasons)
        raise Refused(
            f"generation {run.id} is kept but not activated: {reasons}. The active one serves on; to activate it all "
            f"the same: `millrace rollback {run.id}`, or a new one by `millrace batch run --ungated`"
        )

    def _publish(self, control: Control, run: Run) -> dict[str, Any]:
        return self._runs.publish(run, self._rules_of(run), activate=True).metrics

    def _maker(self, run: Run, marks: int) -> ViewMaker:
        """Return the writer of the run's views; ``marks``: how many marks of forgotten users it knows of."""
        return ViewMaker(self.engine, self.settings, self.say, run, self._rules_of(run), forgotten(self.log, marks))

    def _judging(self, control: Control, run: Run) -> Judging:
        maker, active = self._maker(run, run.forgotten), control.generation(control.active)

        def unforgotten() -> "Stretch":
            return self._maker(run, control.forgotten).events()

        return Judging(
            self.engine, self.settings, self.say, maker.rules, run.id, run.measured, maker.events, active,
            run.forgotten - control.forgotten, unforgotten, self.log,
        )  # fmt: skip

    def _rules_of(self, run: Run) -> Rules:
        rules = replace(self.settings.rules, partitions=len(run.boundary.offsets))
        if rules.fingerprint() != run.fingerprint:
            raise SettingsError(
                f"the settings that decide what events mean, or the version of Millrace, changed since run {run.id} "
                "began: set them back, or begin a new run with `millrace batch boundary --full`"
            )
        return rules

    def _leave_nothing(self, name: str) -> None:
        """Delete the rows of a run that was given up under this process: it may have written more since."""
        control = self._runs.control()
        if named(control, name) is None and name not in control.dropping:
            delete_book(batch_views(self.settings), name)

    @property
    def _runs(self) -> Runs:
        return Runs(batch_views(self.settings), self.settings, self.say)


def shown(generation: Generation) -> dict[str, Any]:
    """Return a generation as the commands print it."""
    return {**asdict(generation), "boundary": {str(p): offset for p, offset in generation.boundary.offsets.items()}}


def main() -> None:
    """Run as the target of spark-submit: settings come from environment and file, the log from MILLRACE_KAFKA."""
    import argparse

    from adapters.broker.opening import open_log
    from adapters.engine.session import open_session
    from adapters.settings import load_settings

    parser = argparse.ArgumentParser(description="Publish one generation, or do one step of a run.")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--reason", default="spark-submit")
    parser.add_argument("--search", type=int, default=0, metavar="N")
    parser.add_argument("--ungated", action="store_true")
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--run", help="whose step; `millrace batch boundary` begins one")
    arguments = parser.parse_args()
    if (arguments.step is None) != (arguments.run is None):
        parser.error("--step and --run go together")
    settings = load_settings()
    with open_log(settings) as log:
        spark = open_session(settings, "millrace batch")
        job = BatchJob(spark, log, settings, reporter("batch"), arguments.search, arguments.ungated)
        try:
            if arguments.step:
                print(json.dumps(job.step(arguments.step, arguments.run)))
            else:
                made = job.run(arguments.reason, arguments.full)
                print(json.dumps(shown(made)))
                require_counted(made.id, made.measured, settings.rules, scheduled=True)
        except MillraceError as error:
            print(json.dumps(outcome_line(error)))
            sys.exit(f"millrace: {error}")


if __name__ == "__main__":
    main()
