"""Processor time of one answer whose rows are in memory: recommend, similar and trending, by both twins.

No store, no thread and no HTTP: what is left is scoring, blending and cutting, and where rows are not kept, decoding.
Kept rows were decoded by an earlier answer, as in a server's memory while nothing changes. The model is in memory. Rows
of 9,000 items have 1,000 neighbours, those of 1,000,000 items have 100.
"""

import random
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar, cast

from adapters.stores import ViewStore
from bench.setting import Findings, machine, percentile
from bench.shop import GENERATION, NEIGHBOURS, Shop
from core.ranking.kernels import READABLE, Kernels, compiled
from serving_layer.answers import lookups
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.merged.models import recommenders_of
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.reference_store import ReferenceStore

T = TypeVar("T")
ITEMS, MOST_WRITTEN = (9_000, 1_000_000), 50_000
LONG_ROWS = 1_000  # neighbours of an item in the smaller shop
ASKED = 50  # users and items
LIMIT_SECONDS = 10.0  # of one question's calls

_rows: dict[tuple[int, str, Hashable, bytes], Any] = {}  # decoded, by index


class Kept(Snapshot):
    """A snapshot whose decoded rows stay in memory."""

    def decoded(
        self, view: str, keys: Sequence[bytes], decode: Callable[[list[bytes]], T], name: Hashable = None
    ) -> list[T | None]:
        held = id(self.index), view, name
        if missing := [key for key in keys if (*held, key) not in _rows]:
            rows = super().decoded(view, missing, decode, name)
            _rows.update(((*held, key), row) for key, row in zip(missing, rows, strict=True))
        return [_rows[*held, key] for key in keys]


def run(items: tuple[int, ...] = ITEMS, calls: int = 300) -> dict[str, object]:
    """Return milliseconds of processor time of each answer: median and 99th percentile."""
    findings = Findings({"machine": machine()})
    for many in items:
        neighbours = LONG_ROWS if many < MOST_WRITTEN else NEIGHBOURS
        shop, store = Shop(many, min(many, MOST_WRITTEN), neighbours=neighbours), ReferenceStore()
        shop.put(_opened(store), time.time_ns() // 1_000_000)
        for twin, kernels in {"readable": READABLE, "compiled": compiled()}.items():
            for kind, kept in ((Kept, "rows kept"), (Snapshot, "rows decoded each time")):
                findings |= _asked(store, kernels, kind, shop, calls, f"{many:,} items, {twin}, {kept}")
    return findings


def _asked(
    store: ReferenceStore, kernels: Kernels, kind: type[Snapshot], shop: Shop, calls: int, where: str
) -> dict[str, object]:
    views, findings = Views(_opened(store), _opened(store), kernels=kernels), dict[str, object]()

    def snapshot() -> Snapshot:
        return kind(views, GENERATION, {0: 1}, None, None, (), ())

    recommenders_of(snapshot())  # loads the model
    for name, ask in _questions(shop).items():
        spent, began = list[float](), time.perf_counter()
        for question in range(ASKED):
            ask(snapshot(), question)
        while len(spent) < calls and time.perf_counter() - began < LIMIT_SECONDS:
            asked, started = snapshot(), time.process_time()
            ask(asked, len(spent))
            spent.append(1_000 * (time.process_time() - started))
        findings[f"{where}: {name}, p50 p99 ms"] = [round(percentile(spent, share), 3) for share in (0.5, 0.99)]
    return findings


def _opened(store: ReferenceStore) -> ViewStore:
    """Return the store as views take it: nobody checks or closes it."""
    return cast(ViewStore, store)


def _questions(shop: Shop) -> dict[str, Callable[[Snapshot, int], object]]:
    items = random.Random(2).sample(shop.asked, ASKED)
    return {
        "recommend": lambda snapshot, k: recommend(snapshot, b"user-%d" % (k % ASKED), Wish()),
        "similar": lambda snapshot, k: lookups.similar(snapshot, items[k % ASKED], Page()),
        "trending": lambda snapshot, _: lookups.trending(snapshot, 24, None, Page()),
    }
