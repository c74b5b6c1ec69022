"""Every model that recommends items, one folder each behind the port of ``recommenders.port``.

A folder holds a model's settings, how it learns (``fit``) and how it answers (``open``): serving and evaluation open
the same scorers. It may use schemas and core; engines appear only in modules named ``spark.py``. A new model is one
folder and one line in ``TABLE``.
"""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.settings import value_of
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from recommenders.port import Recommender

# Name -> the module whose ``RECOMMENDER`` it is; imported only when asked for. Of equally strong sources the first
# names an item's ``source``.
TABLE: dict[str, str] = {
    "als": "recommenders.als",
    "similar": "recommenders.similar",
    "popular": "recommenders.popular",
    "trending": "recommenders.trending",
    "repeat": "recommenders.repeat",
    "affinity": "recommenders.affinity",
    "latest": "recommenders.latest",
    "als_taste": "recommenders.als_taste",
    "ease": "recommenders.ease",
    "rp3beta": "recommenders.rp3beta",
    "item_knn": "recommenders.item_knn",
    "user_knn": "recommenders.user_knn",
    "mf": "recommenders.mf",
    "tfidf": "recommenders.tfidf",
    "words": "recommenders.words",
    "picture": "recommenders.picture",
    "neumf": "recommenders.neumf",
    "item2vec": "recommenders.item2vec",
    "two_tower": "recommenders.two_tower",
    "sasrec": "recommenders.sasrec",
    "gru4rec": "recommenders.gru4rec",
}


def recommender(name: str) -> "Recommender[Any]":
    """Return the recommender of that name."""
    implementation: Recommender[Any] = import_module(TABLE[name]).RECOMMENDER
    return implementation


def settings_of(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return each recommender's settings, from tables of keys by name; what a table leaves out has its default.

    Raises:
        SettingsError: a name or a key is unknown, or a value is of another type; the text names the nearest known one.
    """
    for name in tables:
        _require_known(name, list(TABLE), "recommender")
    return {name: _filled(name, recommender(name).settings, tables.get(name, {})) for name in TABLE}


def _filled(name: str, kind: type[Any], table: Mapping[str, Any]) -> Any:
    known = {field.name: field for field in fields(kind)}
    for key in table:
        _require_known(key, list(known), f"setting of recommenders.{name}:")
    given = {key: value_of(f"recommenders.{name}.{key}", known[key], value) for key, value in table.items()}
    made = kind(**given)
    if not 0 <= made.weight < float("inf"):  # a model of others need not say so by its field
        raise SettingsError(f"setting recommenders.{name}.weight must be a number that is not negative")
    return made


def _require_known(name: str, known: list[str], what: str) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
        raise SettingsError(f"unknown {what} '{name}': {hint}")
