"""Which experiment a user is in: decided by a hash of the name and the user, so it is the same in every process.

An experiment asks its hash only about users of no earlier one. So no user is in two, and an experiment that is added at
the end, or whose share grows, leaves every user of the others where they are.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from core.settings import nearest
from schemas.errors import SettingsError

MARK = "@"  # between source and experiment in an event's ``source``
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_KEYS = ("share", "weights", "generation")
_STEPS = 2**64


@dataclass(frozen=True)
class Experiment:
    """A share of users who are served with other weights of sources, another generation, or both.

    ``weights``: of the sources that it names; the others keep theirs. ``generation``: the id of a kept one, or empty.
    """

    name: str
    share: float
    weights: Mapping[str, float] = field(default_factory=dict)
    generation: str = ""


def place(name: str, user: bytes) -> float:
    """Return the user's place in an experiment, 0 up to but not 1: those below its share are in it."""
    return int.from_bytes(blake2b(user, digest_size=8, key=name.encode()).digest()) / _STEPS


def experiment_of(experiments: Sequence[Experiment], user: bytes) -> Experiment | None:
    """Return the first experiment that the user is in."""
    return next((tried for tried in experiments if _is_in(tried.name, tried.share, user)), None)


@lru_cache(65_536)
def _is_in(name: str, share: float, user: bytes) -> bool:
    return place(name, user) < share


def sources_of(experiments: Sequence[Experiment]) -> set[str]:
    """Return the sources that an experiment gives a weight, so that they learn and are opened."""
    return {source for tried in experiments for source, weight in tried.weights.items() if weight > 0}


def source_with(source: str, experiment: str | None) -> str:
    """Return what an event says led to it: the source of the row, and the experiment of the answer if there is one."""
    return f"{source}{MARK}{experiment}" if experiment else source


def experiments_of(tables: Mapping[str, Any], sources: Collection[str]) -> tuple[Experiment, ...]:
    """Return the experiments of the tables ``[experiments.NAME]``, in their order.

    Args: sources: the names that ``weights`` may have.
    Raises: SettingsError, which names the experiment, the key and the rule.
    """
    return tuple(_experiment(name, table, sources) for name, table in tables.items())


def _experiment(name: str, table: Any, sources: Collection[str]) -> Experiment:
    where = f"experiments.{name}"
    if not _NAME.fullmatch(name):
        raise SettingsError("the name of an experiment has 1 to 40 letters, digits, '_' or '-'")
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where} must be a table: write [{where}] above its keys")
    for key in table:
        if key not in _KEYS:
            raise SettingsError(f"unknown setting '{key}' of {where}: {nearest(key, _KEYS)}")
    share: Any = table.get("share")
    generation = table.get("generation", "")
    if not _is_number(share) or not 0 < share <= 1:
        raise SettingsError(f"{where}.share must be a number above 0, at most 1: the share of users who are in it")
    if not isinstance(generation, str):
        raise SettingsError(f"{where}.generation must be a text: the id of a kept generation")
    weights = _weights(where, table.get("weights", {}), sources)
    if not weights and not generation:
        raise SettingsError(f"{where} changes nothing: give weights of sources, a generation, or both")
    return Experiment(name, float(share), weights, generation)


def _weights(where: str, table: Any, sources: Collection[str]) -> dict[str, float]:
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where}.weights must be a table: source = weight")
    for source, weight in table.items():
        if source not in sources:
            raise SettingsError(f"unknown source '{source}' of {where}.weights: {nearest(source, sources)}")
        if not _is_number(weight) or not 0 <= weight < float("inf"):
            raise SettingsError(f"{where}.weights.{source} must be a number that is not negative")
    return {source: float(weight) for source, weight in table.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
