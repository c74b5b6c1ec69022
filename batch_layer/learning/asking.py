"""What an evaluation asks, of whom and with which settings, and interactions in memory as what models learn from."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adapters.terminal.progress import progress
from batch_layer.learning.encoding import encoded, pieces
from batch_layer.learning.splits import EXCLUDED, INCLUDED, TIME
from core.quality.ranking_quality import Interactions
from recommenders.port import Pictured, Pieces, Size, Standing
from schemas.catalogue import Item
from schemas.errors import MillraceError
from schemas.rules import Rules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Question:
    """What is judged: the fold's rules, each recommender's settings, serving's shrinkage; at most ``users`` users.

    ``protocol``, ``seen``: as in ``learning.splits``. ``every_source``: sources that are turned off are judged too.
    ``confidence``: stated confidence is judged, by models fitted once more on a part of the training events.
    ``learns``: the sources that a learned blend may ask; none: the blend has fixed weights.
    """

    rules: Rules
    settings: Mapping[str, Any]
    shrinkage: float = 0.0
    users: int = 5_000
    protocol: str = TIME
    seen: str = EXCLUDED
    every_source: bool = False
    confidence: bool = False
    learns: tuple[str, ...] = ()

    @property
    def seen_again(self) -> bool:
        """Whether what a user has seen may be listed."""
        return self.seen == INCLUDED


@dataclass(frozen=True)
class InteractionsPast:
    """``recommenders.port.Past`` over interactions in memory; it reports nothing.

    ``left_out``: why a recommender learned nothing, by name.
    """

    events: Interactions
    names: Sequence[bytes]
    seed: int = 42
    scratch: str = ""
    from_scratch: bool = True
    left_out: dict[str, str] = field(default_factory=dict, kw_only=True)

    def say(self, line: str, /) -> None:
        """Report nothing: an evaluation reports figures, not how its models were fitted."""

    def leave_out(self, name: str, why: str, /) -> None:
        self.left_out[name] = why
        self.say(f"{name} is left out: {why}")

    def progress(self, what: str, total: int, /) -> AbstractContextManager[Callable[..., None]]:
        return progress(what, total)

    def size(self) -> Size:
        user, item, _ = self.events.standing()
        return Size(len(user), len(np.unique(user)), len(np.unique(item)))

    def standing(self) -> Standing:
        user, item, rating = self.events.standing()
        known, code = np.unique(item, return_inverse=True)
        touched = self.events.last_touches(user, item)
        return Standing([self.names[k] for k in known.tolist()], user, code, rating, touched)

    def records(self) -> Mapping[bytes, Item]:
        own = zip(self.names, self.events.records, strict=True) if self.events.records else ()
        return {name: record for name, record in own if record is not None}

    def encoded(self, texts: Sequence[str], text_model: str, /) -> NDArray[np.float32] | None:
        return encoded(texts, text_model, partial(self.leave_out, "words"))

    def pieces(self, text_model: str, /) -> Pieces | None:
        return pieces(text_model)

    def pictured(self) -> Pictured | None:
        vectors = self.events.pictures
        if vectors is None:
            return None
        having = np.flatnonzero(vectors.any(axis=1)).tolist()
        own = sorted(having, key=lambda code: self.names[code])
        return Pictured([self.names[code] for code in own], vectors[own])

    def frame(self) -> "DataFrame":
        raise MillraceError("interactions in memory are no table of an engine: set engine to implicit or auto")


def all_on(settings: Mapping[str, Any], names: Collection[str] | None = None) -> dict[str, Any]:
    """Return the settings with a weight for those recommenders, so that each is fitted and asked; None: for every one.

    Others keep theirs.
    """
    chosen = settings if names is None else names
    return {name: replace(own, weight=own.weight or 1.0) if name in chosen else own for name, own in settings.items()}


def in_process(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with which models learn from interactions in memory."""
    return {**settings, "als": replace(settings["als"], engine="implicit")}
