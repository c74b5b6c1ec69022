"""Speed layer, Kafka to stored views on the embedded default, against the usual hand-made way.

The baseline is one process that reads the same topic, folds event by event in Python and adds each pair delta to its
own SQLite row, with a transaction every 10,000 events: what a Lambda by hand does, without its crashes counted.
"""

import json
import sqlite3
import time
from collections import Counter
from pathlib import Path

from adapters.log import Log
from adapters.settings import Settings
from bench.setting import fresh_home, load, machine, spread
from core.fold_slow import SlowView
from core.parse import parse_event
from schemas.event import Event

EVENTS, USERS, ITEMS, RUNS = 400_000, 20_000, 5_000, 5
BASELINE_EVENTS = 20_000


def run(runs: int = RUNS, events: int = EVENTS) -> dict[str, object]:
    """Events a second of both, and their ratio, in turn in one run."""
    ours, theirs, ratios = [], [], []
    with fresh_home() as (settings, log):
        from adapters.spark import open_session

        spark = open_session(settings, "bench")
        rows = load(events, USERS, ITEMS)
        _apply(spark, log, settings, rows[: events // 8])  # warm: histories filled, code compiled, workers started
        for number in range(runs):
            ours.append(_apply(spark, log, settings, _renamed(rows, number)))
            theirs.append(_by_hand(log, settings, settings.home / f"baseline-{number}.sqlite"))
            ratios.append(ours[-1] / theirs[-1])
    return {
        "machine": machine(), "events a run": events, "speed layer, events/s": spread(ours, 0),
        "by hand, events/s": spread(theirs, 0), "ratio": spread(ratios, 1),
    }  # fmt: skip


def _renamed(rows: list[tuple[bytes, bytes]], number: int) -> list[tuple[bytes, bytes]]:
    """The same load with new event ids, so that no run is a duplicate of another."""
    return [(key, value.replace(b'"event_id":"', b'"event_id":"%d-' % number, 1)) for key, value in rows]


def _apply(spark: object, log: Log, settings: Settings, rows: list[tuple[bytes, bytes]]) -> float:
    from speed_layer.jobs.stream import SpeedJob

    log.appender().append_all(log.topics.events, rows)
    job = SpeedJob(spark, log, settings, lambda _: None)  # type: ignore[arg-type]
    started = time.monotonic()
    job.run(available_now=True)
    return job.progress.events / (time.monotonic() - started)


def _by_hand(log: Log, settings: Settings, path: Path) -> float:
    """One reader, one Python fold, one row a pair; histories are filled first, without being timed."""
    end = log.end_offsets()
    share = BASELINE_EVENTS // len(end)
    start = {p: max(0, offset - share) for p, offset in end.items()}
    slow = SlowView()
    for record in log.read(log.topics.events, log.start_offsets(), start):
        event = parse_event(record, settings.rules)
        if isinstance(event, Event):
            slow.take(event, settings.rules)
    store = sqlite3.connect(path)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("CREATE TABLE sums (p TEXT, q TEXT, amount INTEGER, PRIMARY KEY (p, q)) WITHOUT ROWID")
    count, started = 0, time.monotonic()
    for record in log.read(log.topics.events, start, end):
        event = parse_event(record, settings.rules)
        if isinstance(event, Event):
            slow.pairs, slow.norms = Counter(), Counter()
            slow.take(event, settings.rules)
            deltas = [(p, q, amount) for (p, q), amount in slow.pairs.items()]
            deltas += [(p, p, amount) for p, amount in slow.norms.items()]
            store.executemany(
                "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount", deltas
            )
        count += 1
        if count % 10_000 == 0:
            store.commit()
    store.commit()
    store.close()
    return count / (time.monotonic() - started)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
