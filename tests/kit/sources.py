"""Small files in the shape of what ten common sources export, made by hand; no real person or shop is in them."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def lines(*objects: Any) -> str:
    """JSON lines."""
    return "".join(json.dumps(value) + "\n" for value in objects)


@dataclass(frozen=True)
class Source:
    """``files`` by name; what they hold as (kind, user, item, value), in order of time; items with their titles."""

    files: dict[str, str]
    events: list[tuple[str, str, str, Any]]
    items: dict[str, str | None] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    def written(self, folder: Path) -> Path:
        """The folder, with the files in it."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder


def _ga4(name: str, at: int, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    session = [{"key": "ga_session_id", "value": {"int_value": 7}}]
    return {"event_name": name, "event_timestamp": str(at), "event_params": session, "items": list(items), **more}


_MASK = {"item_id": "MK-1", "item_name": "Mask", "price": 34.9}
_SHOPIFY = "Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku"
_DAY = "2025-10-07 09:50:25 +0200"
_PRODUCT = {"product_id": "MK-1", "name": "Mask", "price": 34.9, "quantity": 2}


def _segment(event: str, message: str, **properties: Any) -> dict[str, Any]:
    call = {"type": "track", "event": event, "messageId": message, "timestamp": f"2025-10-07T09:50:0{message}.000Z"}
    return {**call, "anonymousId": "anon", "userId": None if message == "1" else "ann", "properties": properties}


SOURCES = {
    "ga4": Source(
        {
            "events.json": lines(
                _ga4("page_view", 1764230400123456, user_pseudo_id="1.2"),
                _ga4("view_item", 1764230400123456, _MASK, user_pseudo_id="1.2"),
                _ga4("purchase", 1764230401123456, _MASK, {"item_id": "SR-2"}, user_id="ann", user_pseudo_id="1.2"),
            )
        },
        [("view", "1.2", "MK-1", None), ("purchase", "ann", "MK-1", None), ("purchase", "ann", "SR-2", None)],
        {"MK-1": "Mask", "SR-2": None},
        {"no entry in items": 1},
    ),
    "segment": Source(
        {
            "calls.jsonl": lines(
                _segment("Product Viewed", "1", **_PRODUCT),
                _segment("Order Completed", "2", order_id="o1", products=[_PRODUCT, {"product_id": "SR-2"}]),
                {"type": "identify", "userId": "ann"},
            )
        },
        [("view", "anon", "MK-1", 2), ("purchase", "ann", "MK-1", 2), ("purchase", "ann", "SR-2", None)],
        {"MK-1": "Mask", "SR-2": None},
        {"identify call of Segment": 1},
    ),
    "shopify": Source(
        {
            "orders_export.csv": "\n".join(
                (
                    _SHOPIFY,
                    f"#1001,Ann@example.test,{_DAY},3,Mask,34.90,MK-1",
                    f"#1001,,{_DAY},1,Serum,19.00,SR-2",
                    "#1001,,,2,\"Cream, night\",22.50,",
                    f"#1002,,{_DAY},1,Mask,34.90,MK-1",
                )
            )
            + "\n"
        },
        [
            ("purchase", "ann@example.test", "MK-1", 3),
            ("purchase", "ann@example.test", "SR-2", 1),
            ("purchase", "ann@example.test", "Cream, night", 2),
        ],
        {"MK-1": "Mask", "SR-2": "Serum", "Cream, night": "Cream, night"},
        {"no user_id": 1},
    ),
    "woocommerce": Source(
        {
            "orders.json": json.dumps(
                [
                    {
                        "id": 1, "status": "completed", "customer_id": 0, "billing": {"email": "Bob@example.test"},
                        "date_created_gmt": "2025-10-07T09:50:25", "order_key": "wc_1",
                        "line_items": [{"id": 5, "product_id": 93, "name": "Mask", "quantity": 2, "price": 34.9}],
                    },
                    {"id": 2, "status": "cancelled", "customer_id": 7, "line_items": [{"id": 6, "product_id": 93}]},
                ],
                indent=1,
            )
        },
        [("purchase", "bob@example.test", "93", 2)],
        {"93": "Mask"},
        {"order not paid": 1},
    ),
    "retailrocket": Source(
        {
            "events.csv": "timestamp,visitorid,event,itemid,transactionid\n1433221332117,11,view,901,\n"
            "1433221333117,11,addtocart,901,\n1433221334117,11,transaction,901,77\n",
            "item_properties_part1.csv": "timestamp,itemid,property,value\n1,901,categoryid,338\n1,901,888,x\n",
            "category_tree.csv": "categoryid,parentid\n338,1\n",
        },
        [("view", "11", "901", None), ("cart", "11", "901", None), ("purchase", "11", "901", None)],
        {"901": None},
    ),
    "mind": Source(
        {
            "behaviors.tsv": "1\tU1\t11/11/2019 9:05:58 AM\tN9\tN1-0 N2-1\n2\tU2\t11/11/2019 1:05:58 PM\t\tN1-1\n",
            "news.tsv": "N1\tsports\tgolf\tA \"quoted title\tabstract\turl\t[]\t[]\n",
        },
        [("impression", "U1", "N1", None), ("click", "U1", "N2", None), ("click", "U2", "N1", None)],
        {"N1": "A \"quoted title"},
    ),
    "lastfm": Source(
        {
            "userid-timestamp-artid-artname-traid-traname.tsv": "user_1\t2009-05-04T23:08:57Z\ta-1\tDeep\tt-1\tA\n"
            "user_1\t2009-05-04T23:10:57Z\t\tNo id\tt-2\tOther \"b\n"
        },
        [("view", "user_1", "a-1", None), ("view", "user_1", "No id", None)],
        {"a-1": "Deep", "No id": "No id"},
    ),
    "amazon-reviews": Source(
        {
            "Software.jsonl": lines(
                {"overall": 4.0, "reviewerID": "A1", "asin": "B1", "unixReviewTime": 1393545600},
                {"rating": 5.0, "user_id": "A2", "asin": "B2", "parent_asin": "P2", "timestamp": 1588615855070},
            )
        },
        [("rating", "A1", "B1", 4), ("rating", "A2", "P2", 5)],
    ),
    "steam": Source(
        {
            "recommendations.csv": "app_id,helpful,funny,date,is_recommended,hours,user_id,review_id\n"
            "975370,0,0,2022-12-12,true,36.3,51580,0\n304390,4,0,2023-02-17,false,11.5,2586,1\n",
            "games.csv": "app_id,title,date_release,price_final\n975370,Dwarves,2022-12-06,29.99\n",
        },
        [("like", "51580", "975370", 36.3), ("view", "2586", "304390", 11.5)],
        {"975370": "Dwarves"},
    ),
    "instacart": Source(
        {
            "order_products__prior.csv": "order_id,product_id,add_to_cart_order,reordered\n2,33120,1,1\n3,28985,1,1\n",
            "orders.csv": "order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order\n"
            "3,9,prior,1,1,8,\n2,9,prior,2,1,8,30.0\n",
            "products.csv": "product_id,product_name,aisle_id,department_id\n33120,Egg Whites,86,16\n",
        },
        [("purchase", "9", "28985", None), ("purchase", "9", "33120", None)],
        {"33120": "Egg Whites"},
    ),
}  # fmt: skip
