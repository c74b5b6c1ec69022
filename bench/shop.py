"""The views of a large shop, written into stores with the product's own codecs, as a batch run would leave them.

A batch run over enough events for a million items would take longer than all that is measured on its result. Items have
``NEIGHBOURS`` co-rated ones each (rows repeat after ``ROWS_MADE`` items), users a full history, hours up to
``HOURLY_ITEMS`` different items; the model is made of random numbers.
"""

import random
import time
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from adapters.log.kafka_log import Log
from adapters.records.books import generation_book
from adapters.records.control import change_control, open_control
from adapters.settings import Settings
from adapters.stores.opened import batch_views
from adapters.stores.port import ViewStore
from core.control.changes import publish
from core.rows.codec import (
    Facts,
    History,
    HistoryEntry,
    ItemSeen,
    bucket_key,
    pack_facts,
    pack_history,
    pack_item,
    pack_norm,
    pack_sums,
)
from core.rows.views import COUNTS, FACTS, FACTS_KEY, HISTORY, ITEMS, NORMS, PAIRS, SEEN
from recommenders.als.model import artefact
from schemas.control import Generation
from schemas.event import BUCKET_MS

USERS, NEIGHBOURS, ROWS_MADE, HOURLY_ITEMS, FACTORS = 1_000, 100, 2_000, 10_000, 50
HOURS = 24 + 72 + 1  # the default window of a trend and its baseline
PUT_ROWS = 20_000
GENERATION = "bench"

Rows = dict[tuple[str, bytes], bytes]


@dataclass(frozen=True)
class Shop:
    """``items`` in the model and the counts; ``written`` of them have rows, of ``neighbours`` each."""

    items: int
    written: int
    seed: int = 11
    neighbours: int = NEIGHBOURS

    @cached_property
    def names(self) -> list[bytes]:
        """Ascending by UTF-8."""
        return [b"item-%07d" % number for number in range(self.items)]

    @cached_property
    def asked(self) -> list[bytes]:
        """Return items that have rows."""
        return self.names[:: max(1, self.items // self.written)][: self.written]

    def publish(self, settings: Settings, log: Log) -> None:
        """Write all views as a generation that ends where the log does now, and make it the active one."""
        views, now = batch_views(settings), time.time_ns() // 1_000_000
        control = open_control(views, log.identity(), log.start_offsets(), settings.rules)
        self.put(views, now)
        boundary = control.boundaries[0]
        generation = Generation(GENERATION, boundary, settings.rules.fingerprint(), now, "bench")
        change_control(views, lambda control: publish(control, generation))

    def put(self, views: ViewStore, now: int) -> None:
        """Write the views of the generation that ``publish`` makes active."""
        book, rng = generation_book(GENERATION), random.Random(self.seed)
        made = [self._pairs(rng) for _ in range(ROWS_MADE)]
        rows = (
            row
            for number, name in enumerate(self.asked)
            for row in (
                ((PAIRS, name), made[number % ROWS_MADE]),
                ((NORMS, name), pack_norm(rng.randrange(100_000, 10_000_000))),
                ((ITEMS, name), pack_item(ItemSeen(now, 0, number, f"category-{number % 20}"))),
            )
        )
        while chunk := dict(islice(rows, PUT_ROWS)):
            views.put(book, chunk)
        views.put(book, self._counts(rng, now) | self._users(rng, now))
        factors = np.random.default_rng(self.seed).normal(0, 0.1, (self.items, FACTORS)).astype(np.float32)
        facts = {"alpha": 10.0, "regularization": 0.05, "weighted": False}
        for key, value in artefact(self.names, factors, facts).rows():
            views.put(book, {("als", key): value})

    def _pairs(self, rng: random.Random) -> bytes:
        names = sorted(rng.sample(self.asked, self.neighbours))
        return pack_sums((name, rng.randrange(1, 50) * 1_000) for name in names)

    def _counts(self, rng: random.Random, now: int) -> Rows:
        """Return as many different items an hour as there would be; the more frequent ones are the same each hour."""
        out, last, most = Rows(), now // BUCKET_MS, min(HOURLY_ITEMS, len(self.asked) // 2)
        for bucket in range(last - HOURS, last + 1):
            names = sorted(rng.sample(self.asked, most))
            out[COUNTS, bucket_key(bucket)] = pack_sums((name, rng.randrange(1, 9)) for name in names)
        facts = Facts(as_of=now, oldest_bucket=last - 10 * HOURS, events=1)
        return out | {(FACTS, FACTS_KEY): pack_facts(facts)}

    def _users(self, rng: random.Random, now: int) -> Rows:
        out = Rows()
        for number in range(USERS):
            chosen, user = rng.sample(self.asked, 60), b"user-%d" % number
            entries = tuple(HistoryEntry(item, rng.randrange(1, 6) * 1_000, now) for item in chosen[:20])
            out[HISTORY, user] = pack_history(History(entries, ()))
            out[SEEN, user] = pack_sums((item, 1_000) for item in sorted(chosen))
        return out
