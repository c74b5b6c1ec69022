"""Lake to views: fold, add up and write every row of a run's book, or those that changed and a copy of the others."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from adapters.engine.tasks import Engine, Tasks
from adapters.lake.files import Stretch
from adapters.lake.tables import ROWS_AT_ONCE, Lake
from adapters.records.books import generation_book
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from batch_layer.steps.fold_step import EVENTS, EVENTS_AT_ONCE, fold_users
from batch_layer.steps.output import Output
from batch_layer.steps.write_step import WRITTEN, copy_rows, write_rows
from core.partitions.parcels import packed, unpacked
from core.rows.codec import Facts, bucket_key, pack_facts, unpack_facts, unpack_sums
from core.rows.shares import last_days, most_excess
from core.rows.views import EXCESS_USERS, FACTS, FACTS_KEY
from schemas.control import Generation, Offsets, Run
from schemas.metrics import Measured
from schemas.rules import Rules

if TYPE_CHECKING:
    import pyarrow as pa

    from adapters.log.forgotten import Forgotten

ROWS_PER_PARCEL = 500  # at least, of events on their way to the task that folds their users


@dataclass
class ViewMaker:
    """Writes the views of one run, from the lake as the run's first step left it."""

    engine: Engine
    settings: Settings
    say: Callable[[str], None]
    run: Run
    rules: Rules
    forgotten: "Forgotten" = field(default_factory=dict)

    def events(self, base: Generation | None = None) -> Stretch:
        """Return the accepted events below the run's boundary, from that of ``base`` on; the same for each step."""
        start = base.boundary.offsets if base else None
        version = self.run.measured.lake_version
        return self._lake.stretch(self.rules, self.run.boundary.offsets, start, version, self.forgotten)

    def write(self, base: Generation | str) -> dict[str, Any]:
        """Write all views, from those of ``base``, or from scratch for the reason given; returns metrics of it."""
        if isinstance(base, Generation):
            return self._write(base)
        self.say(f"computing everything: {base}")
        return self._write(None)

    def _write(self, base: Generation | None) -> dict[str, Any]:
        url, timeout = self.settings.batch_views_url, self.settings.stores.timeout_ms
        output, events = Output(url, timeout, self.run.id, base.id if base else None), self.events(base)
        place = self.engine.tasks(events.most + (base.measured.events if base else 0))
        new_rows = self._fold(place, events, output)
        count = new_rows.pop(EVENTS, 0)
        if base is not None:
            _copy(place, output)
        facts, new = self.write_rejected(base)
        metrics = self._sizes(base, count, new_rows) | {"duplicates": self._duplicates(facts, base)}
        metrics |= {"excess": self._excess(facts)}
        return {**metrics, "rejected": facts.rejected or {}, **({"new_rejected": new} if base else {})}

    def _fold(self, place: Tasks, events: Stretch, output: Output) -> Counter[str]:
        """Write what the events change; returns per view how many rows the base lacks, and the ``EVENTS``."""
        rules, tasks = self.rules, place.count_for(events.most, EVENTS_AT_ONCE)
        rows, shares = max(ROWS_AT_ONCE, ROWS_PER_PARCEL * tasks), events.shares(tasks)
        written = place.run(
            len(shares),
            lambda number: packed(shares[number].read(rows), tasks, "user_id"),
            WRITTEN,
            lambda parcels: packed(fold_users(unpacked(parcels), rules, output), tasks),
            lambda parcels: write_rows(unpacked(parcels), output),
            tasks=tasks,
        )
        total = Counter[str]()
        for row in written.to_pylist():
            total[row["view"]] += row["rows"]
        return total

    def _sizes(self, base: Generation | None, count: int, new_rows: Counter[str]) -> dict[str, Any]:
        before = base.measured if base else Measured()
        known = before.rows
        sizes = {view: known.get(view, 0) + new_rows[view] for view in sorted(known.keys() | new_rows.keys())}
        since = f" since generation {base.id}" if base else ""
        self.say(f"folded {count:,} events{since}: " + ", ".join(f"{n:,} {view}" for view, n in sizes.items()))
        metrics = {"mode": "full" if base is None else "incremental", "events": before.events + count}
        return {**metrics, "rows": sizes, **({"base": base.id, "new_events": count} if base else {})}

    def _duplicates(self, facts: Facts, base: Generation | None) -> int:
        """Return how many of all events below the boundary are duplicates."""
        new = facts.duplicates - (base.measured.duplicates if base else 0)
        if new:
            self.say(f"{new:,} of these events are duplicates: their user's history knew their event_id already")
        return facts.duplicates

    def _excess(self, facts: Facts) -> int:
        """Return how many of all events below the boundary are beyond their users' shares; says whose they are."""
        if facts.excess and facts.as_of is not None:
            keys = list(map(bucket_key, last_days(facts.as_of)))
            days = batch_views(self.settings).read(generation_book(self.run.id), EXCESS_USERS, keys)
            users = [f"{user} ({events:,})" for user, events in most_excess(map(unpack_sums, days.values()))]
            most = f", in the last week most of {', '.join(users)}" if users else ""
            self.say(f"{facts.excess:,} events do not count in popularity and trends: they are beyond one user's "
                     f"{self.rules.counted_per_day} a day on one item{most}")  # fmt: skip
        return facts.excess

    def write_rejected(self, base: Generation | None) -> tuple[Facts, dict[str, int]]:
        """Note in the run's facts how many records below the boundary were rejected, by reason.

        Returns: the whole facts, and what was rejected from the boundary of the base on.
        """
        views, book = batch_views(self.settings), generation_book(self.run.id)
        folded = views.read(book, FACTS, [FACTS_KEY]).get(FACTS_KEY)
        before = views.read(generation_book(base.id), FACTS, [FACTS_KEY]).get(FACTS_KEY) if base else None
        facts = Facts() if folded is None else unpack_facts(folded)
        known = Facts() if before is None else unpack_facts(before)
        new = self.rejected(base.boundary.offsets if base else None)
        facts = replace(facts, rejected=dict(Counter(known.rejected or {}) + Counter(new)))
        views.put(book, {(FACTS, FACTS_KEY): pack_facts(facts)})
        return facts, new

    def rejected(self, start: Offsets | None) -> dict[str, int]:
        """Return how many records from ``start`` to below the boundary were rejected, by reason."""
        version = self.run.measured.rejected_version
        return self._lake.rejected_by_reason(self.run.boundary.offsets, start, version, self.forgotten)

    @property
    def _lake(self) -> Lake:
        return Lake(None, self.settings.lake_path)


def _copy(place: Tasks, output: Output) -> None:
    """Copy the rows that no event touched, in as many parts as tasks run at once."""
    parts = place.count_for(0, 1)

    def copy(part: int) -> "list[pa.RecordBatch]":
        copy_rows([part], parts, output)
        return []

    place.run(parts, copy, WRITTEN)
