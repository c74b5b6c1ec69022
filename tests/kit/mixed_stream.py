"""A stream with everything in it: a shop's events, duplicates near and far, removes, late ones, broken records."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from core.partitions.partitioner import partition_of
from datasets.synthetic.generator import GeneratorSettings, generate_events
from schemas.event import Record
from schemas.rules import Rules
from tests.kit.hostile import TIMESTAMP, hostile

DAY_MS = 86_400_000
SHOP = GeneratorSettings(users=30, items=25, events=400, seed=3, end_ms=TIMESTAMP)


def mixed_stream(rules: Rules, shop: GeneratorSettings = SHOP) -> list[Record]:
    """The records in the order in which they are sent; offsets are for the log to give."""
    rng = random.Random(shop.seed)
    broken = [case.record(rules) for case in hostile()]
    events = list(_events(rng, shop))
    records = [_record(event, TIMESTAMP + place, rules) for place, event in enumerate(events)]
    for number, record in enumerate(broken):
        records.insert(number * len(records) // len(broken), record)
    return records


def in_parts(records: list[Record], parts: int) -> list[list[Record]]:
    """The same, cut where it falls."""
    return [records[len(records) * k // parts : len(records) * (k + 1) // parts] for k in range(parts)]


def _events(rng: random.Random, shop: GeneratorSettings) -> Iterator[dict[str, Any]]:
    """The shop's, and after some of them one that repeats, retracts or lies far back."""
    before: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for number, event in enumerate(generate_events(shop)):
        yield event
        mine = before[event["user_id"]]
        mine.append(event)
        strange = {"event_id": f"strange-{number}", "kind": "cart", "value": 1}
        match rng.randrange(16):
            case 0:  # re-sent soon after, within what a history remembers
                yield rng.choice(mine[-3:])
            case 1:  # and long after, when it counts again
                yield rng.choice(mine)
            case 2:
                yield rng.choice(mine) | strange | {"kind": "remove"}
            case 3:  # late, and beyond the window of what the user did since
                yield event | strange | {"event_time": event["event_time"] - rng.randrange(45) * DAY_MS}
            case 4:  # ahead of the rest, so that entries leave the history
                yield rng.choice(mine) | strange | {"event_time": TIMESTAMP + DAY_MS - rng.randrange(1000)}


def _record(event: dict[str, Any], timestamp: int, rules: Rules) -> Record:
    key = event["user_id"].encode()
    place = partition_of(key, rules.partitioner, rules.partitions)
    return Record("events", place, 0, timestamp, key, msgspec.json.encode(event))
