"""CI&T DeskDrop: readers of internal articles (users_interactions.csv, and shared_articles.csv where there is one)."""

from collections.abc import Iterator
from typing import ClassVar

from datasets.fields.times import time_parser
from datasets.files.rows import Row
from datasets.formats.base import Importer, Json, described

_TIME = time_parser("epoch-s")
DESCRIPTION_CHARACTERS = 500  # of an article's text; the catalogue is for display


class Deskdrop(Importer):
    """Ids are 64-bit numbers, some of them negative; they stay text. User agent, region and country are left out."""

    name = "deskdrop"
    patterns = ("*interactions*.csv",)
    columns = ("timestamp", "eventType", "contentId", "sessionId")
    user_column = "personId"
    kind_map: ClassVar = {
        "VIEW": "view",
        "LIKE": "like",
        "BOOKMARK": "save",
        "FOLLOW": "follow",
        "COMMENT CREATED": "comment",
    }

    def event(self, row: Row) -> Json:
        event = {
            "event_time": _TIME(row["timestamp"]),
            "kind": self.kind(row["eventType"]),
            "user_id": self.user(row),
            "item_id": row["contentId"],
        }
        return {**event, "session_id": row["sessionId"]} if row["sessionId"] else event

    def items(self) -> Iterator[Json]:
        articles: dict[str, Json] = {}
        needed = ("eventType", "contentId", "title", "text")
        for row in self.side_rows("shared_articles*.csv", needed):
            item_id, text = row["contentId"], row["text"][:DESCRIPTION_CHARACTERS]
            hidden = True if row["eventType"] == "CONTENT REMOVED" else None
            articles[item_id] = described(item_id, title=row["title"], description=text, hidden=hidden)
        return iter(articles.values())
