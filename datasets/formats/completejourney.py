"""Complete Journey 2.0 (84.51°): a year of grocery purchases of 2,469 households, and the products."""

from collections.abc import Iterator

from datasets.fields.times import time_parser
from datasets.files.rows import Row
from datasets.formats.base import Importer, Json, described

_TIME = time_parser("iso")


class CompleteJourney(Importer):
    """Each line is a purchase by a household, its quantity the value (0 occurs: weighed or refunded goods).

    Times are UTC; a basket is a session. A product's category is its product_category, or its department where
    that is empty; its title the product_type.
    """

    name = "completejourney"
    patterns = ("transactions*.csv",)
    columns = ("basket_id", "product_id", "quantity", "transaction_timestamp")
    user_column = "household_id"

    def event(self, row: Row) -> Json:
        return {
            "event_time": _TIME(row["transaction_timestamp"]),
            "kind": self.kind("purchase"),
            "user_id": self.user(row),
            "item_id": row["product_id"],
            "value": row["quantity"],
            "session_id": row["basket_id"],
        }

    def items(self) -> Iterator[Json]:
        needed = ("product_id", "department", "brand", "product_category", "product_type", "package_size")
        for row in self.side_rows("products.csv", needed):
            yield described(
                row["product_id"],
                title=row["product_type"] or row["product_category"],
                description=row["package_size"],
                category=row["product_category"] or row["department"],
                brand=row["brand"],
                tags=[row["department"]] if row["department"] else [],
            )
