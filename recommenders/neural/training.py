"""Trains a network until its loss on held-out users no longer falls; an interrupted fit continues where it was.

A fit begins with the numbers of the generation before, so it takes a few epochs where little is new.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from importlib import import_module
from typing import Any

import numpy as np

from recommenders.artefact import Artefact
from recommenders.neural.checkpoint import Checkpoint, place_of
from recommenders.neural.examples import Histories, batches, drawn_part
from recommenders.neural.network import TABLES, Array, Network
from recommenders.neural.settings import NeuralSettings
from recommenders.neural.warm import warm_start
from recommenders.port import Ints, Past, Standing
from recommenders.trained import small_enough

NEEDS = ("jax", "optax")
FEWEST_ROWS, ROW_STEPS = 64, 8  # tables grow by at most an eighth: catalogues of nearly one size share what is compiled
NUMBERS_KEPT = 24  # bytes of a number in a fit: itself, its slope, two of Adam, the best ones, a copy

Pairs = tuple[Ints, Ints]
Params = dict[str, Array]
Examples = Callable[[Histories, Any, np.random.Generator], Pairs]  # of one epoch


def windows(histories: Histories, settings: NeuralSettings, rng: np.random.Generator) -> Pairs:
    """Return the histories in pieces, with what came next; of many pieces some, drawn."""
    return drawn_part(histories.windows(settings.length), settings.touches, rng)


@dataclass
class Reached:
    """How far a fit came: ``params`` and ``memory`` of Adam after ``epoch``, and the ``best`` params so far.

    ``loss``: of the best, on held-out users. ``worse``: epochs since then.
    """

    params: dict[str, Array]
    memory: list[Array]
    best: dict[str, Array]
    epoch: int = 0
    loss: float = float("inf")
    worse: int = 0
    losses: list[float] = field(default_factory=list)

    def ends(self, settings: NeuralSettings) -> bool:
        """Return whether the fit is complete."""
        return self.epoch >= settings.epochs or self.worse >= settings.patience


def fit(
    past: Past, name: str, network: Network, dropout: float, settings: NeuralSettings, examples: Examples,
    before: Artefact | None = None,
) -> Artefact | None:  # fmt: skip
    """Return the trained network; None, with a sentence, where there is nothing or too little to learn from.

    Args: before: the model to begin with.
    """
    standing = _learnable(past, name, settings)
    if standing is None:
        return None
    histories = Histories.of(standing)
    users = len(np.unique(standing.user))
    if alone := users - len(histories):
        past.say(f"{name}: {alone:,} of {users:,} users touched a single item, which teaches no order")
    if not len(histories):
        return None
    run = _Run(past, name, network, dropout, settings, examples, histories, standing.items)
    start = None if past.from_scratch or before is None else run.warm(before)
    reached = run.trained(start)
    if not np.isfinite(reached.loss):
        past.leave_out(name, f"its loss is no number any longer; lower rate of [recommenders.{name}]")
        return None
    past.say(
        f"trained {name}, begun {'from scratch' if start is None else 'warm'}: {reached.epoch} epochs over "
        f"{len(histories):,} histories of {len(standing.items):,} items, loss {reached.loss:.4f}"
    )
    facts = {
        "settings": asdict(settings), "epochs": reached.epoch, "loss": round(reached.loss, 6),
        "warm": start is not None,
    }  # fmt: skip
    items = len(standing.items)
    arrays = {key: own[:items] if key in TABLES else own for key, own in reached.best.items()}
    return Artefact(facts, standing.items, arrays)


def not_importable() -> str | None:
    """Return which package that networks need cannot be imported, and why; None where all can.

    A broken one may raise any error, such as JAX beside a jaxlib of another version, which raises RuntimeError.
    """
    for package in NEEDS:
        try:
            import_module(package)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run continues without networks
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            return f"{package} cannot be imported: {reason}"
    return None


def _learnable(past: Past, name: str, settings: NeuralSettings) -> Standing | None:
    ratings = past.size().ratings
    if ratings < settings.fewest:
        past.leave_out(name, f"{ratings:,} ratings, and fewest of [recommenders.{name}] is {settings.fewest:,}")
        return None
    if why := not_importable():
        past.leave_out(name, f"{why}; install it with `pip install 'millrace[neural]'`")
        return None
    standing = small_enough(past, name, settings.memory, NUMBERS_KEPT * settings.factors * len(TABLES))
    if standing is not None and not len(standing.touched):
        past.leave_out(name, "nothing says in which order items were touched")
        return None
    return standing


@dataclass(frozen=True)
class _Run:
    past: Past
    name: str
    network: Network
    dropout: float
    settings: NeuralSettings
    examples: Examples
    histories: Histories
    names: list[bytes]

    @property
    def items(self) -> int:
        return len(self.names)

    def warm(self, before: Artefact) -> Params | None:
        """Return what that model knows; None where it is of other settings or items."""
        return warm_start(self._drawn(), self.names, before, self.settings)

    def trained(self, start: Params | None) -> Reached:
        """Train to the end, from the checkpoint if there is one of the same past, settings and ``start``."""
        path = place_of(self.past.scratch, self.name)
        checkpoint = None if path is None else Checkpoint(path, self._digest(start))
        reached = self._begun(checkpoint, start)
        taught, held = self.histories.held_out(self.past.seed)
        with self.past.progress(f"training {self.name}", self.settings.epochs) as bar:
            while not reached.ends(self.settings):
                bar(reached.epoch, now=f"loss {reached.losses[-1]:.4f}" if reached.losses else "")
                self._epoch(reached, taught, held)
                if checkpoint is not None:
                    checkpoint.save(reached)
        if checkpoint is not None:
            checkpoint.delete()
        return reached

    def _begun(self, checkpoint: Checkpoint | None, start: Params | None) -> Reached:
        from recommenders.neural.steps import begun, leaves

        kept = None if checkpoint is None else checkpoint.load(self.past.say)
        if kept is not None:
            self.past.say(f"{self.name}: continues after epoch {kept.epoch}, where a fit was interrupted")
            return kept
        params = self._drawn() if start is None else start
        return Reached(params, leaves(begun(params)), params)

    def _drawn(self) -> Params:
        return self.network.begun(np.random.default_rng(self.past.seed), self._rows)

    def _epoch(self, reached: Reached, taught: Histories, held: Histories) -> None:
        """Go once over the histories of an epoch, and compare."""
        from recommenders.neural.steps import compiled_step, key_of, leaves, parts, restored

        rng = np.random.default_rng([self.past.seed, reached.epoch])
        params, memory, losses = reached.params, restored(reached.params, reached.memory), []
        for number, batch in enumerate(self._batches(self.examples(taught, self.settings, rng), rng)):
            key = key_of(self.past.seed + reached.epoch, number)
            params, memory, value = compiled_step(
                self.network, self.dropout, params, memory, parts(batch), key, self.settings.rate
            )
            losses.append(value)
        reached.params, reached.memory, reached.epoch = params, leaves(memory), reached.epoch + 1
        loss = self._judged(params, held) if len(held) else float(np.mean(losses))
        reached.losses.append(loss)
        if loss < reached.loss:
            reached.loss, reached.best, reached.worse = loss, {k: np.asarray(v) for k, v in params.items()}, 0
        else:
            reached.worse += 1

    def _judged(self, params: dict[str, Array], held: Histories) -> float:
        """Return the loss on held-out users, always of the same pieces."""
        from recommenders.neural.steps import compiled_loss, parts

        rng = np.random.default_rng(self.past.seed)
        losses, counts = [], []
        for batch in self._batches(self.examples(held, self.settings, rng), rng):
            losses.append(float(compiled_loss(self.network, 0.0, params, parts(batch), None)))
            counts.append(int((batch.targets >= 0).sum()))
        return float(np.average(losses, weights=counts))

    def _batches(self, pairs: Pairs, rng: np.random.Generator) -> Any:
        drawn = min(self.settings.negatives, self._rows)
        return batches(pairs, self.settings.batch, self.items, drawn, rng)

    @property
    def _rows(self) -> int:
        step = max(FEWEST_ROWS, (1 << self.items.bit_length() - 1) // ROW_STEPS)
        return -(-self.items // step) * step

    def _digest(self, start: Params | None) -> str:
        """Return a short name of all that decides the fit."""
        decides = json.dumps([asdict(self.settings), repr(self.network), self.dropout, self.past.seed, self.items])
        digest = blake2b(decides.encode(), digest_size=16)
        digest.update(self.histories.item.tobytes())
        digest.update(self.histories.starts.tobytes())
        for numbers in (start or {}).values():
            digest.update(np.ascontiguousarray(numbers).tobytes())
        return digest.hexdigest()
