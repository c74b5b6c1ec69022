"""Settings that every source trained on the pairs that stand has, and whether a fit has room."""

from dataclasses import dataclass

from core.settings import setting
from recommenders.port import Past, Standing

NOTHING_RATED = "no item is rated"
RATING_BYTES = 60  # of a standing pair in a fit: columns, their order, two sparse matrices


@dataclass(frozen=True, kw_only=True)
class TrainedSettings:
    """``weight``: the source's share of a blend. ``memory``: bytes of a fit."""

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0, why="off until it is shown to help"
    )
    memory: int = setting(4 << 30, "what a fit may take; a larger log is left out", unit="memory", why="as ALS may")


@dataclass(frozen=True, kw_only=True)
class PairsSettings(TrainedSettings):
    """``per_user``: items of one user that count."""

    per_user: int = setting(
        2_000, "items of one user that count; beyond it they are drawn", at_least=1,
        why="work and memory grow with their square, and robots would decide the rest",
    )  # fmt: skip


def small_enough(past: Past, name: str, memory: int, per_item: float) -> Standing | None:
    """Return all pairs if a fit on them takes at most ``memory`` bytes; None, with a sentence, if not or without any.

    Args: per_item: bytes that the fit takes besides ``RATING_BYTES`` per pair.
    """
    size = past.size()
    if not size.ratings:
        past.leave_out(name, NOTHING_RATED)
        return None
    need = int(RATING_BYTES * size.ratings + per_item * size.items)
    if need > memory:
        past.leave_out(
            name,
            f"a fit on {size.ratings:,} ratings of {size.items:,} items takes about {need / 2**20:,.0f} MiB, and "
            f"memory of [recommenders.{name}] is {memory / 2**20:,.0f} MiB",
        )
        return None
    return past.standing()
