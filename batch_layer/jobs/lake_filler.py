"""Log to lake up to a boundary: the first half of a generation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.engine.tasks import Engine
from adapters.lake.parts import as_parts
from adapters.lake.tables import Lake
from adapters.log.kafka_log import Log
from adapters.settings import Settings
from batch_layer.steps.ingest import PARTS, ingest, ranges
from core.control.boundaries import latest, reaches
from core.control.changes import origin
from schemas.control import Boundary, Control, Offsets
from schemas.errors import SettingsError
from schemas.rules import Rules


@dataclass
class LakeFiller:
    """Brings the lake up to a boundary, each record once, and buries what is rejected."""

    engine: Engine
    log: Log
    settings: Settings
    say: Callable[[str], None]

    def fill(self, control: Control, boundary: Boundary, rules: Rules) -> dict[str, Any]:
        """Add the accepted events below the boundary that the lake lacks; returns its versions with all of them.

        Raises:
            SettingsError: retention removed records that the lake never held.
        """
        lake = Lake(None, self.settings.lake_path)
        covered = lake.covered(control.log, origin(control))
        if not reaches(covered, boundary.offsets):
            self._require_range(covered, boundary)
            upto = latest(covered, boundary.offsets)
            records = sum(upto.values()) - sum(covered.values())
            self._fill(lake, control, covered, upto, rules)
            self.say(f"ingested {records:,} log offsets into the lake")
        return {**lake.versions(), "from_before": _holds_more(control, lake, boundary.offsets, rules)}

    def _fill(self, lake: Lake, control: Control, covered: Offsets, upto: Offsets, rules: Rules) -> None:
        log, path = Log(self.log.bootstrap, self.log.topics, self.log.options), lake.path
        shares = ranges(covered, upto)
        place = self.engine.tasks(sum(upto.values()) - sum(covered.values()))
        written = place.run(len(shares), lambda number: ingest(log, shares[number], path, rules), PARTS)
        lake.append(as_parts(written), control.log, upto)

    def _require_range(self, covered: Offsets, boundary: Boundary) -> None:
        for partition, first in self.log.start_offsets().items():
            if covered[partition] < min(first, boundary.offsets[partition]):
                raise SettingsError(
                    f"partition {partition} of {self.log.topics.events}: offsets {covered[partition]} to {first - 1} "
                    "were removed by retention before the lake held them; they are never skipped. Restore them, or "
                    "start with new views and a new lake, and give the topic a longer retention.ms"
                )


def _holds_more(control: Control, lake: Lake, end: Offsets, rules: Rules) -> bool:
    """Return whether the lake has events from before a first generation's control record, as after that was lost.

    A speed layer that began meanwhile did so without their histories, so its epoch must end.
    """
    start = control.boundaries[0].offsets
    if control.active is not None or not any(start.values()):
        return False
    before = lake.stretch(rules, {partition: min(offset, end[partition]) for partition, offset in start.items()})
    return any(True for _ in before.read(1))
