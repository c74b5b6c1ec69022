"""What a column is likely to hold, by its name and its values."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from datasets.fields.numbers import number
from datasets.fields.times import time_parser

# Names in the order of preference, without case, blanks and signs; a name that ends so counts after those.
ROLES: dict[str, tuple[str, ...]] = {
    "user_id": ("userid", "visitorid", "customerid", "clientid", "memberid", "buyerid", "personid", "reviewerid",
                "householdid", "profileid", "user", "customer", "visitor", "email", "kundennr", "uid", "anonymousid",
                "kunde", "kundenid", "nutzer", "client"),
    "item_id": ("itemid", "productid", "articleid", "contentid", "movieid", "videoid", "songid", "bookid", "offerid",
                "sku", "asin", "parentasin", "item", "product", "stockcode", "artikelnr", "ean", "isbn", "iid",
                "artikel", "artikelid", "produkt", "produktid"),
    "event_time": ("eventtime", "timestamp", "eventtimestamp", "time", "datetime", "date", "createdat", "orderdate",
                   "occurredat", "ts", "invoicedate", "bestelldatum", "when", "created", "unixreviewtime",
                   "datum", "zeit", "zeitpunkt", "fecha"),
    "kind": ("eventtype", "eventname", "event", "action", "behavior", "behaviour", "interaction", "feedback",
             "feedbackkind", "kind", "activity", "type"),
    "value": ("rating", "overall", "score", "stars", "quantity", "qty", "menge", "amount"),
    "category": ("category", "categorycode", "categoryid", "department", "genre", "section"),
    "session_id": ("sessionid", "usersession", "session", "basketid", "orderid", "invoiceno", "visitid"),
    "event_id": ("eventid", "messageid"),
    "title": ("title", "itemname", "productname", "description", "bezeichnung", "name"),
    "brand": ("brand", "vendor", "manufacturer"),
    "price": ("price", "unitprice", "einzelpreis", "preis"),
}  # fmt: skip
# A kind's words as shops and trackers write them, in the same spelling.
_WORDS: dict[str, tuple[str, ...]] = {
    "view": ("view", "pageview", "viewitem", "productviewed", "detailview", "visit", "read", "watch", "play", "listen"),
    "click": ("click", "selectitem", "open"),
    "cart": ("cart", "addtocart", "productadded", "basket", "addtobasket"),
    "purchase": ("purchase", "transaction", "order", "buy", "bought", "ordercompleted", "checkout", "sale"),
    "like": ("like", "favorite", "favourite", "favori", "upvote", "heart"),
    "save": ("save", "bookmark", "wishlist", "addtowishlist"),
    "share": ("share",),
    "comment": ("comment", "review"),
    "follow": ("follow", "subscribe"),
    "rating": ("rating", "rate"),
    "impression": ("impression", "show", "display", "viewitemlist"),
    "remove": ("remove", "dislike", "removefromcart", "unlike"),
}
_PATTERNS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%d/%m/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y %H:%M",
)  # fmt: skip
_EPOCH_DIGITS = {10: "epoch-s", 13: "epoch-ms", 16: "epoch-us", 19: "epoch-ns"}
_MOST_WORDS = 40
_COMMA = re.compile(r"\D*\d{1,3}(?:\.\d{3})*,\d{1,2}\D*")


def plain(name: str) -> str:
    """Return a name without case, blanks and signs."""
    return re.sub(r"[\W_]", "", name.lower())


def column_of(role: str, columns: Mapping[str, list[Any]]) -> str:
    """Return the column that is likely to have a role; empty if none is."""
    last = {path: plain(path.rpartition(".")[2]) for path in columns}
    whole = {path: plain(path) for path in columns}
    for name in ROLES[role]:
        for path in columns:
            if name in (last[path], whole[path]) and _has_values(columns[path]):
                return path
    for name in ROLES[role][:-4] if len(ROLES[role]) > 6 else ROLES[role]:
        for path in columns:
            if len(name) > 4 and last[path].endswith(name) and _has_values(columns[path]):
                return path
    return ""


def _has_values(values: Sequence[Any]) -> bool:
    return any(value not in (None, "") for value in values)


def time_style(values: Sequence[Any]) -> dict[str, str]:
    """Return how times are written, as parts of an expression; an empty style is left out."""
    given = [value for value in values if value not in (None, "")]
    texts = [str(value).strip() for value in given]
    if texts and all(re.fullmatch(r"\d+(\.\d+)?", text) for text in texts):
        digits = Counter(len(text.partition(".")[0]) for text in texts).most_common(1)[0][0]
        return {"time": _EPOCH_DIGITS.get(digits, "epoch-s" if digits < 12 else "epoch-ms")}
    for style in ("iso", *_PATTERNS):
        if texts and all(_reads(style, text) for text in texts):
            return {} if style == "iso" else {"time": style}
    return {}


def _reads(style: str, text: str) -> bool:
    try:
        time_parser(style)(text)
    except ValueError:
        return False
    return True


def kind_words(values: Sequence[Any], kinds: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of each word; one that is unknown makes no event, so that a person decides."""
    words = [word for word, _ in Counter(str(value).strip() for value in values).most_common(_MOST_WORDS) if word]
    by_word = {word: _kind_of(word, kinds) for word in words}
    return {word: kind for word, kind in by_word.items() if word != kind}


def _kind_of(word: str, kinds: Mapping[str, Any]) -> str:
    if word in kinds:
        return word
    spelled = plain(word)
    return next((kind for kind, known in _WORDS.items() if spelled in known and kind in kinds), "")


def is_decimal_comma(values: Sequence[Any]) -> bool:
    """Return whether amounts have a comma before their fraction."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    return any(map(_COMMA.fullmatch, texts)) and all(number(text, ",") is not None for text in texts)


def array_of_events(rows: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the path of an array of objects that names items, and its entries; empty if there is none."""
    for path, entries in _arrays(rows[0] if rows else {}, ""):
        inner = {f"{name}": [entry.get(name) for entry in entries] for name in entries[0]}
        if column_of("item_id", inner):
            return path, entries
    return "", []


def _arrays(value: Any, path: str) -> list[tuple[str, list[Any]]]:
    if not isinstance(value, dict):
        return []
    arrays = []
    for name, part in value.items():
        inner = f"{path}.{name}" if path else name
        if isinstance(part, list) and part and all(isinstance(entry, dict) for entry in part):
            arrays.append((inner, part))
        arrays.extend(_arrays(part, inner))
    return arrays
