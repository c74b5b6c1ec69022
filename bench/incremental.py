"""An incremental generation against a full one: the computing step at 1 %, 5 % and 20 % new events, at two sizes.

New events are of the users that are there already. Each incremental run begins from the one full generation of that
size, and is deleted again; the full run over all of the events, the new ones included, is measured last.
"""

import time
from dataclasses import dataclass
from statistics import median

from adapters.opened import batch_views
from batch_layer.runs import Runs, delete_book
from bench.batch import SHARD, Bench, shard, silent, world_of
from bench.setting import fresh_home, machine, seconds, spread
from schemas.control import Run

NEW_PART = 10_000  # parts of the live stream from here on are new events; those below are the shards'


def run(
    sizes: tuple[int, ...] = (1_000_000, 8_000_000), per_cent: tuple[int, ...] = (1, 5, 20), repeats: int = 5
) -> dict[str, object]:
    """Seconds of the computing step; larger sizes are repeated less often."""
    found: dict[str, object] = {"machine": machine()}
    for size in sizes:
        with fresh_home() as (settings, log):
            from adapters.spark import open_session

            bench = Growing(open_session(settings, "bench"), log, settings)
            bench.ingest(size)
            bench.publish()
            some, times = max(1, repeats * sizes[0] // size), dict[int, list[float]]()
            for number, share in enumerate(per_cent):
                bench.add(size * (share - ([0, *per_cent][number])) // 100, NEW_PART + number)
                times[share] = bench.computed(some, full=False)
            full = bench.computed(some, full=True)
            found[f"{size:,} events and {per_cent[-1]} % more: full, s"] = spread(full)
            for share, took in times.items():
                found[f"{size:,} events: incremental of {share} % more, s"] = spread(took)
                found[f"{size:,} events: incremental of {share} % more, share of the full one"] = round(
                    median(took) / median(full), 3
                )
    return found


@dataclass
class Growing(Bench):
    """A lake with one published generation, and events that come after it."""

    def publish(self) -> None:
        """Make the full generation that the others begin from; without a model, which no sum needs."""
        name = self.begin(self.settings)
        for step in ("ingest", "compute"):
            self.step(step, self.settings, name)
        runs = Runs(batch_views(self.settings), self.settings, silent)
        _, made = runs.find(name)
        assert isinstance(made, Run)
        runs.publish(made, self.settings.rules, activate=True)

    def add(self, events: int, part: int) -> None:
        """Append new events of users that are there, shard by shard."""
        now = time.time_ns() // 1_000_000
        world, shards = world_of(now), -(-self.size // SHARD)
        for number in range(shards):
            rows = shard(world, number, max(1, events // shards), (now - 3_600_000, now), part * shards + number)
            self.log.appender().append_all(self.log.topics.events, rows)

    def computed(self, repeats: int, full: bool) -> list[float]:
        """Seconds of the computing step, of runs of their own."""
        took = []
        for _ in range(repeats):
            name = self.begin(self.settings, full)
            self.step("ingest", self.settings, name)
            took += seconds(lambda name=name: self.step("compute", self.settings, name), 1)  # type: ignore[misc]
            _, made = Runs(batch_views(self.settings), self.settings, silent).find(name)
            assert made.metrics["mode"] == ("full" if full else "incremental"), made.metrics
            delete_book(batch_views(self.settings), name)
        return took
