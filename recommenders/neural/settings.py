"""Settings that every neural recommender has."""

from dataclasses import dataclass

from core.settings import setting
from recommenders.trained import TrainedSettings


@dataclass(frozen=True, kw_only=True)
class NeuralSettings(TrainedSettings):
    """``factors``: numbers per item. ``length``: items of a history that a state is made of."""

    factors: int = setting(64, "size of the model: numbers per item", at_least=2, why="a common size; not tuned")
    length: int = setting(20, "last items of a history that count", at_least=1, why="as many as a history keeps")
    epochs: int = setting(40, "times that the histories are looked at, at most", at_least=1, why="few need as many")
    touches: int = setting(
        100_000, "touched items that an epoch learns from, at most; from a longer log it draws some histories",
        at_least=1, why="such an epoch takes five seconds of one core, so a fit takes minutes however long the log is",
    )  # fmt: skip
    patience: int = setting(
        3, "epochs without a better loss on held-out users, after which a fit ends", at_least=1,
        why="a loss that rose three times seldom falls again",
    )  # fmt: skip
    rate: float = setting(0.003, "length of a step of Adam", at_least=0.000001, at_most=1, why="not tuned")
    batch: int = setting(64, "histories per step", at_least=1, why="more take longer to learn as much")
    negatives: int = setting(
        1_000, "items that a touched one is told from in each step", at_least=1,
        why="all items cost nine times as much on 9,000 of them",
    )  # fmt: skip
    fewest: int = setting(
        1_000, "ratings below which the model is left out", at_least=1, why="a network learns nothing from so few"
    )


@dataclass(frozen=True, kw_only=True)
class FadingSettings(NeuralSettings):
    """Those of networks whose state begins with the fading mean of a history. ``step_back``: as in ``similar``."""

    step_back: float = setting(
        0.9, "what an item touched one step earlier counts", at_least=0, at_most=1, why="not tuned"
    )
