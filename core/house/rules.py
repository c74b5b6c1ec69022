"""House rules: what a shop wants of its lists beside what the models say. Pure; a file holds them as tables.

::

    [[rule]]
    name = "own brand first"
    boost = 1.5                 # or bury = 0.5, exclude = true, pin = 1 (its place in the list)
    brand = ["acme"]            # also item, category, tag: an item must meet each that is there, by any of its values
    device = ["phone"]          # only where the context names it
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.settings import nearest
from schemas.errors import SettingsError

BOOST, BURY, EXCLUDE, PIN = ACTIONS = ("boost", "bury", "exclude", "pin")
CONDITIONS = ("item", "brand", "category", "tag", "device")
MAX_FACTOR, MAX_PLACE = 1_000.0, 1_000


@dataclass(frozen=True)
class HouseRule:
    """One rule. ``amount``: the factor of a boost or a burying, the place of a pin; absent conditions are None."""

    name: str
    does: str
    amount: float = 1.0
    item: frozenset[str] | None = None
    brand: frozenset[str] | None = None
    category: frozenset[str] | None = None
    tag: frozenset[str] | None = None
    device: frozenset[str] | None = None

    def meets(self, item: str, brand: str | None, categories: Collection[str], tags: Collection[str]) -> bool:
        """Return whether the rule is about an item with these labels."""
        return (
            (self.item is None or item in self.item)
            and (self.brand is None or brand in self.brand)
            and (self.category is None or not self.category.isdisjoint(categories))
            and (self.tag is None or not self.tag.isdisjoint(tags))
        )

    @property
    def shown(self) -> dict[str, Any]:
        """The rule as ``explain`` shows it."""
        return {"name": self.name, "does": self.does, "amount": None if self.does == EXCLUDE else self.amount}


def house_rules(tables: Mapping[str, Any]) -> tuple[HouseRule, ...]:
    """Return the rules of a file. Raises SettingsError, which names the rule, the key and the remedy."""
    for key in tables:
        if key != "rule":
            raise SettingsError(f"unknown key '{key}': each rule is a table [[rule]]")
    rules = tables.get("rule", [])
    if not isinstance(rules, list) or not all(isinstance(table, dict) for table in rules):
        raise SettingsError("each rule is a table: write [[rule]] above its keys")
    return tuple(_rule(table, number) for number, table in enumerate(rules, 1))


def for_device(rules: Sequence[HouseRule], device: str) -> list[HouseRule]:
    """Return the rules that hold on that device; empty: one that nobody named."""
    return [rule for rule in rules if rule.device is None or device in rule.device]


def _rule(table: Mapping[str, Any], number: int) -> HouseRule:
    name = table.get("name", f"rule {number}")
    if not isinstance(name, str) or not name:
        raise SettingsError(f"rule {number}: its name must be a text")
    for key in table:
        if key not in ("name", *ACTIONS, *CONDITIONS):
            raise SettingsError(f"rule '{name}': unknown key '{key}': {nearest(key, [*ACTIONS, *CONDITIONS])}")
    does = [action for action in ACTIONS if action in table]
    conditions = {key: _labels(name, key, table[key]) for key in CONDITIONS if key in table}
    if len(does) != 1:
        raise SettingsError(f"rule '{name}': give exactly one of {', '.join(ACTIONS)}")
    if not conditions.keys() - {"device"}:
        raise SettingsError(f"rule '{name}': say which items it is about, by item, brand, category or tag")
    if does[0] == PIN and "item" not in conditions:
        raise SettingsError(f"rule '{name}': a pin names its items by item")
    return HouseRule(name, does[0], _amount(name, does[0], table[does[0]]), **conditions)


def _labels(name: str, key: str, value: object) -> frozenset[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        raise SettingsError(f"rule '{name}': {key} must be a text or a list of texts")
    return frozenset(values)


def _amount(name: str, action: str, value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if action == EXCLUDE:
        if value is not True:
            raise SettingsError(f"rule '{name}': write exclude = true, or leave the rule out")
        return 1.0
    if action == PIN and not (isinstance(value, int) and number and 1 <= value <= MAX_PLACE):
        raise SettingsError(f"rule '{name}': pin must be a whole number from 1 to {MAX_PLACE:,}")
    low, high = {BOOST: (1.0, MAX_FACTOR), BURY: (0.0, 1.0), PIN: (1.0, float(MAX_PLACE))}[action]
    if not (number and low <= value <= high):  # type: ignore[operator]
        raise SettingsError(f"rule '{name}': {action} must be a number from {low:g} to {high:g}")
    return float(value)  # type: ignore[arg-type]
