"""UCI Online Retail (Chen, Sain, Guo 2012) and Online Retail II: invoice lines of a British gift shop."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from datasets.fields.acceptance import Dropped
from datasets.fields.times import time_parser
from datasets.files.rows import Row
from datasets.formats.base import Importer, Json, described

_WHOLE = re.compile(r"\d+\.0")
# Column names of the second edition and what the first one calls them.
_SECOND_EDITION = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
_ISO_TIME, _SPREADSHEET_TIME = time_parser("iso"), time_parser("%m/%d/%Y %H:%M")


@dataclass
class OnlineRetail(Importer):
    """A line of an invoice is a purchase, its quantity the value; equal lines of an invoice stay separate events.

    Dropped: lines without a customer, and cancellations (invoices that start with C), which a retraction of the whole
    item would overstate. A customer number that a spreadsheet made ``17850.0`` is ``17850`` again. Times carry no
    zone and are taken as UTC. Postage and other codes that are no goods stay in.
    """

    learned: dict[str, dict[str, str]] = field(default_factory=dict)

    name = "online-retail"
    patterns = ("*.csv",)
    columns = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice")
    user_column = "CustomerID"
    renamed: ClassVar = _SECOND_EDITION

    def event(self, row: Row) -> Json:
        user_id = self.user(row).strip()
        if not user_id:
            raise Dropped("no customer")
        if row["InvoiceNo"].startswith("C"):
            raise Dropped("cancelled invoice")
        return {
            "event_time": _time(row["InvoiceDate"]),
            "kind": self.kind("purchase"),
            "user_id": user_id.removesuffix(".0") if _WHOLE.fullmatch(user_id) else user_id,
            "item_id": row["StockCode"],
            "value": row["Quantity"],
            "session_id": row["InvoiceNo"],
        }

    def learn(self, item_id: str, row: Row) -> None:
        named = {key: row[key].strip() for key in ("Description", "UnitPrice") if row[key].strip()}
        self.learned.setdefault(item_id, {}).update(named)

    def items(self) -> Iterator[Json]:
        for item_id, known in self.learned.items():
            yield described(item_id, title=known.get("Description"), price=self.price(known.get("UnitPrice", "")))


def _time(text: str) -> int:
    try:
        return _ISO_TIME(text)
    except ValueError:
        return _SPREADSHEET_TIME(text)
