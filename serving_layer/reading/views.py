"""The two view stores as one process keeps them open, and what it keeps of a generation."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from adapters.machine.compiled import compile_apart
from adapters.settings import Settings
from adapters.settings.house_file import HouseFile
from adapters.stores import ViewStore, open_store
from core.control.pinning import pinned
from core.experiments.assignment import Experiment, experiment_of
from core.house.rules import HouseRule
from core.ranking.kernels import READABLE, Kernels
from core.ranking.kernels import compiled as compiled_kernels
from core.ranking.variety import BEST_ALONE, Variety
from recommenders import settings_of
from schemas.control import Control
from schemas.errors import NotReady
from serving_layer.memory.moment import Moment
from serving_layer.memory.of_generation import K, Memory
from serving_layer.memory.statistics import Statistics
from serving_layer.reading.way import Way

BATCH, SPEED_SIDE, CATALOGUE_SIDE = "batch", "speed", "catalogue"  # what an answer may have to do without
MODEL = "model"  # and what it lacks while the models are loaded
RULES_COPY = "house-rules.kept"  # in the home
EXPERIMENT_SHARE = 4  # the part of the memory of rows that one with its own generation has beside the others'
WARM_UP = "serving_layer.warm_up"  # compiles what answers run
ANOTHER_LOGS = "the speed views belong to another log"  # a reason to do without them


class Moved(Exception):
    """The views changed under the reader: start over."""


class Follows(Protocol):
    """Looks at both records repeatedly (``reading.follower``)."""

    way: Way

    def current(self) -> Moment | None: ...

    def awaited(self, seconds: float) -> Moment | None: ...

    def overtaken(self) -> None: ...

    def wait_for_newer(self, moment: Moment, seconds: float) -> None: ...


@dataclass
class Views:
    """The open stores and what reading them depends on; one for each process. Closing is the opener's.

    ``patience_seconds``: how long one answer waits for one of the stores. ``recommenders``: each one's settings.
    ``kernels``: who computes over columns. ``house_rules``: those in force. ``experiments``: for shares of users.
    ``pinned``: a kept generation that is read as if it were active; ``variants``: views that do so, by experiment.
    ``variety``: what lists hold beside the best.
    ``cache_bytes``: of rows in memory at most. ``follower``: keeps rows in memory, so that most answers read no store;
    None: every answer reads both.
    """

    batch: ViewStore
    speed: ViewStore
    partitioner: str = "murmur2"
    shrinkage: float = 0.0
    patience_seconds: float = 2.0
    recommenders: Mapping[str, Any] = field(default_factory=lambda: settings_of({}))
    kernels: Kernels = READABLE
    cache_bytes: int = 256 << 20
    follower: "Follows | None" = None
    statistics: Statistics = field(default_factory=Statistics)
    house_rules: Callable[[], Sequence[HouseRule]] = tuple
    experiments: Sequence[Experiment] = ()
    pinned: str = ""
    variants: "Mapping[str, Views]" = field(default_factory=dict)
    variety: Variety = BEST_ALONE
    _memory: Memory = field(default_factory=lambda: Memory(None))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compile(self) -> None:
        """Use compiled code from now on; loading it takes half a second, once it is compiled."""
        self.kernels = compiled_kernels()
        for variant in self.variants.values():
            variant.kernels = self.kernels

    def of_user(self, user: bytes) -> "Views":
        """Return the views that answer the user: those of an experiment with a generation of its own, else these."""
        tried = experiment_of(self.experiments, user) if self.variants else None
        return self if tried is None else self.variants.get(tried.name, self)

    def as_read(self, control: Control) -> Control:
        """Return the record as these views see it."""
        return pinned(control, self.pinned) if self.pinned else control

    def current(self) -> Moment | None:
        """Return what this process last saw of both views; None where nothing follows them, or not closely enough."""
        return None if self.follower is None else self.follower.current()

    def awaited(self, seconds: float) -> Moment | None:
        """Return what ``current`` does, after at most so long where whoever follows is late."""
        return None if self.follower is None else self.follower.awaited(seconds)

    def turn(self) -> AbstractContextManager[None]:
        """Wait for the turn of an answer that reads stores, where this process follows the views."""
        return nullcontext() if self.follower is None else self.follower.way.turn()

    def give_way(self) -> None:
        """Let whoever follows the views compute first."""
        if self.follower is not None:
            self.follower.way.give()

    def memory(self, generation: str | None) -> Memory:
        """Return what is kept of that generation; it is empty when first asked for.

        The memory of any other generation is dropped; threads whose answers still use it hold it themselves.
        """
        with self._lock:
            if self._memory.generation != generation:
                self._memory = Memory(generation)
            return self._memory

    def kept(self, kind: type[K], generation: str | None) -> K:
        """Return what is kept of that kind and generation; columns of codes are read by ``Snapshot.memory`` only."""
        return self.memory(generation).kept(kind)


@contextmanager
def open_views(settings: Settings, compiled: bool = False) -> Iterator[Views]:
    """Open the configured stores; nothing is connected before the first read.

    Args: compiled: use compiled code as soon as it is loaded, for processes that answer many questions; they also keep
        the last good house rules for those that are started after them.
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
        views = Views(
            batch,
            speed,
            settings.log.partitioner,
            settings.reading.shrinkage,
            patience / 1000,
            settings.recommender_settings,
            cache_bytes=settings.reading.memory_bytes,
            experiments=settings.tried,
            variety=settings.blend.variety,
        )
        if settings.reading.business_rules:
            copy = settings.home / RULES_COPY if compiled else None
            views.house_rules = HouseFile(Path(settings.reading.business_rules), copy).rules
        views.variants = _variants(views)
        if compiled:
            threading.Thread(target=_compile, args=(views,), name="compiled code", daemon=True).start()
        yield views
    finally:
        batch.close()
        speed.close()


def _compile(views: Views) -> None:
    """Have the views use compiled code, which another process compiles if none has done so yet.

    Meanwhile answers are computed by the readable twin, which takes a hundred times as long.
    """
    compile_apart(WARM_UP)
    views.compile()


def _variants(views: Views) -> dict[str, Views]:
    """Return the views of each experiment with a generation of its own; each keeps rows in memory for itself."""
    return {
        tried.name: replace(
            views, pinned=tried.generation, cache_bytes=views.cache_bytes // EXPERIMENT_SHARE,
            _memory=Memory(None), _lock=threading.Lock(),
        )
        for tried in views.experiments
        if tried.generation
    }  # fmt: skip
