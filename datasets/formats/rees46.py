"""REES46 / Open CDP: e-commerce behaviour of a multi-category store (2019-Oct.csv and its sister months)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from datasets.fields.times import time_parser
from datasets.files.rows import Row
from datasets.formats.base import Importer, Json, described

_TIME = time_parser("iso")


@dataclass
class Rees46(Importer):
    """view, cart and purchase as they are; remove_from_cart is ``remove``, the contract's only retraction.

    (``--kind-map remove_from_cart=`` leaves those out instead.) The category is the row's category_code. The catalogue
    record of an item has the last category_code, brand and price that kept rows have. Sessions can stand for users:
    ``--user user_session``.
    """

    learned: dict[str, dict[str, str]] = field(default_factory=dict)

    name = "rees46"
    patterns = ("*.csv",)
    columns = ("event_time", "event_type", "product_id", "category_code", "brand", "price", "user_session")
    user_column = "user_id"
    kind_map: ClassVar = {"remove_from_cart": "remove"}

    def event(self, row: Row) -> Json:
        event = {
            "event_time": _TIME(row["event_time"]),
            "kind": self.kind(row["event_type"]),
            "user_id": self.user(row),
            "item_id": row["product_id"],
        }
        optional = {"category": row["category_code"], "session_id": row["user_session"]}
        return {**event, **{key: text for key, text in optional.items() if text}}

    def learn(self, item_id: str, row: Row) -> None:
        named = {key: row[key] for key in ("category_code", "brand", "price") if row[key]}
        self.learned.setdefault(item_id, {}).update(named)

    def items(self) -> Iterator[Json]:
        for item_id, known in self.learned.items():
            category, brand = known.get("category_code"), known.get("brand")
            yield described(item_id, category=category, brand=brand, price=self.price(known.get("price", "")))
