"""The two view stores as one process keeps them open, and what it keeps of a generation."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from adapters.settings import Settings
from adapters.stores import ViewStore, open_store
from recommenders import settings_of
from schemas.errors import NotReady

BATCH, SPEED_SIDE, CATALOGUE_SIDE = "batch", "speed", "catalogue"  # what an answer may have to do without
ANOTHER_LOGS = "the speed views belong to another log"  # a reason to do without them


class OfGeneration(Protocol):
    """Something kept of one generation, which never changes."""

    generation: str | None

    def __init__(self, generation: str | None) -> None: ...


K = TypeVar("K", bound=OfGeneration)


class Moved(Exception):
    """The views changed under the reader: start over."""


@dataclass
class Views:
    """The open stores and what reading them depends on; one for each process. Closing is the opener's.

    ``patience_seconds``: how long one answer waits for one of the stores. ``recommenders``: each one's settings.
    """

    batch: ViewStore
    speed: ViewStore
    partitioner: str = "murmur2"
    shrinkage: float = 0.0
    patience_seconds: float = 2.0
    recommenders: Mapping[str, Any] = field(default_factory=lambda: settings_of({}))
    _kept: "dict[type[OfGeneration], Any]" = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def kept(self, kind: type[K], generation: str | None) -> K:
        """What is kept in memory of that generation, made empty when first asked for.

        That of any other is let go; threads whose answers still use it have it in hand.
        """
        with self._lock:
            found: K | None = self._kept.get(kind)
            if found is None or found.generation != generation:
                found = self._kept[kind] = kind(generation)
            return found


@contextmanager
def open_views(settings: Settings) -> Iterator[Views]:
    """The configured stores; nothing is connected before the first read.

    Raises:
        NotReady: both would be files in a home that does not exist.
    """
    if not (settings.stores.batch_views or settings.stores.speed_views or settings.home.is_dir()):
        raise NotReady(
            f"there is nothing in {settings.home} yet: run `millrace demo`, or `millrace up` and send events"
        )
    patience = settings.stores.timeout_ms
    batch = open_store(settings.batch_views_url, timeout_ms=patience)
    speed = open_store(settings.speed_views_url, timeout_ms=patience)
    try:
        yield Views(
            batch,
            speed,
            settings.log.partitioner,
            settings.reading.shrinkage,
            patience / 1000,
            settings.recommender_settings,
        )
    finally:
        batch.close()
        speed.close()
