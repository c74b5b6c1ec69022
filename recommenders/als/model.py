"""The recommender ``als``: settings, which engine fits it, and what its artefact holds."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.als.scorer import AlsScorer
from recommenders.artefact import Artefact
from recommenders.port import Past, Size
from recommenders.trained import NOTHING_RATED

ENGINES = ("auto", "implicit", "spark")
FACTORS, GRAM = "factors", "gram"  # arrays: Y, shape (items, factors), and YtY


@dataclass(frozen=True)
class AlsSettings:
    """``factors`` f; ``regularization`` λ; confidence c = 1 + ``alpha`` · rating, the log's median rating being 1.

    ``engine``: implicit, spark, or auto, which takes implicit while it needs no more than ``memory`` bytes.
    ``weight``: the source's share of a blend.
    """

    factors: int = setting(50, "size of the model: numbers per item and user", at_least=1, why="a common size")
    iterations: int = setting(15, "effort of the fit", at_least=1, why="later iterations change little")
    regularization: float = setting(
        10.0, "λ of the fit", at_least=0, why="as good as any on four public sets of 17k to 400k events"
    )
    alpha: float = setting(
        10.0, "confidence = 1 + alpha · rating, the log's median rating being 1", at_least=0, why="with λ, as above"
    )
    seed: int = setting(42, "of the first factors", why="any fixed seed: the same seed gives the same model")
    engine: str = setting(
        "auto", "`implicit` in one process, `spark` (MLlib), or `auto`: implicit while it needs no more than `memory`",
        one_of=ENGINES, why="implicit is faster as long as the events fit its memory",
    )  # fmt: skip
    memory: int = setting(
        4 << 30, "what implicit may take, beside Spark", unit="memory", why="leaves half of an 8 GB machine"
    )
    weight: float = setting(
        0.4, "the source's share of a blend; 0 turns it off", at_least=0,
        why="[decision 24](decisions/0024-evaluation.md) compares all shares",
    )  # fmt: skip

    @property
    def fitted(self) -> dict[str, Any]:
        """The part that decides what is learned."""
        return {
            name: value for name, value in asdict(self).items() if name not in ("engine", "memory", "weight", "asked")
        }


@dataclass(frozen=True)
class Searched(AlsSettings):
    """Settings that a search found; ``asked``: the ``fitted`` part of the configured ones at that time."""

    asked: Any = None


def reused(configured: AlsSettings, before: Artefact | None) -> AlsSettings:
    """Return the settings to learn with: those that a search found, until the configured ones change."""
    if isinstance(configured, Searched) or before is None or before.facts.get("asked") != configured.fitted:
        return configured
    kept = {**asdict(configured), **before.facts["settings"], "iterations": configured.iterations}
    return Searched(**kept, asked=configured.fitted)


def engine_for(settings: AlsSettings, size: Size) -> str:
    """Return ``implicit`` or ``spark``."""
    if settings.engine != "auto":
        return settings.engine
    return "implicit" if memory_for(size, settings.factors) <= settings.memory else "spark"


def memory_for(size: Size, factors: int) -> int:
    """Return the bytes that a fit in one process needs at its peak, the interpreter apart.

    Measured with 50 factors: 137 and 124 per rating at 1 and 4 million of them (columns from Spark, their order, two
    sparse matrices), and 6.7 per factor of each of 400,000 users and items (float32 and temporary arrays). A name is
    taken as 100.
    """
    return 130 * size.ratings + 8 * factors * (size.users + size.items) + 100 * size.items


class Als:
    """Item factors are as old as the generation; the user's are solved from the merged history at each answer."""

    name = "als"
    settings = AlsSettings
    trained = True

    def fit(self, past: Past, settings: AlsSettings, before: Artefact | None) -> Artefact | None:
        size, als = past.size(), reused(settings, before)
        if size.ratings == 0:
            past.leave_out(self.name, NOTHING_RATED)
            return None
        engine = engine_for(als, size)
        if engine == "implicit":
            from recommenders.als.fitting import by_implicit as fit
        else:
            from recommenders.als.spark import by_spark as fit
        factors = fit(past, size, als, None if past.from_scratch else before)
        y = factors.y
        need = f"{memory_for(size, als.factors) / 2**20:,.0f} MiB of {als.memory / 2**20:,.0f} for implicit"
        past.say(
            f"trained ALS with {engine} ({als.engine}: {need}), begun {'warm' if factors.warm else 'from scratch'}: "
            f"{size.ratings:,} ratings, {size.items:,} items, {y.shape[1]} factors"
        )
        if isinstance(als, Searched):
            best = f"regularization {als.regularization:g}, alpha {als.alpha:g}"
            past.say(f"with settings that a search found: {best}")
        facts = {
            "factors": y.shape[1],
            "settings": als.fitted,
            "asked": als.asked if isinstance(als, Searched) else None,
            "engine": engine, "warm": factors.warm, "alpha": als.alpha / factors.unit,
            "regularization": als.regularization if factors.per_rating is None else factors.per_rating,
            "weighted": factors.per_rating is not None,
        }  # fmt: skip
        return artefact(factors.items, y, facts)

    def open(self, artefact: Artefact | None, settings: AlsSettings) -> AlsScorer:
        return opened(artefact)


def opened(artefact: Artefact | None, whole: bool = False) -> AlsScorer:
    """Return the scorer of these factors; ``whole``: for users solved from all that stands."""
    if artefact is None:
        return AlsScorer([], np.zeros((0, 1), np.float32), np.zeros((1, 1), np.float32), 0.0, 1.0)
    facts, arrays = artefact.facts, artefact.arrays
    return AlsScorer(
        artefact.items, np.asfortranarray(arrays[FACTORS]), arrays[GRAM],
        facts["alpha"], facts["regularization"], facts["weighted"], whole,
    )  # fmt: skip


def artefact(items: list[bytes], y: Any, facts: dict[str, Any]) -> Artefact:
    """Return item factors Y with their gram matrix; ``items`` names the rows."""
    gram = (y.astype(np.float64).T @ y).astype(np.float32)
    return Artefact(facts, items, {FACTORS: y, GRAM: gram})


def searched(configured: AlsSettings, best: AlsSettings) -> Searched:
    """Return found settings that know for which configured ones they were found."""
    return Searched(**{**asdict(configured), **best.fitted}, asked=configured.fitted)


RECOMMENDER = Als()
