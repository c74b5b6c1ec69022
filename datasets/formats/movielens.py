"""MovieLens in its CSV editions: ml-latest, ml-latest-small, 20M, 25M, 32M (ratings.csv beside movies.csv)."""

from collections.abc import Iterator

from datasets.fields.times import time_parser
from datasets.files.rows import Row
from datasets.formats.base import Importer, Json, described

_TIME = time_parser("epoch-s")


class MovieLens(Importer):
    """Every rating is an event of kind ``rating``; a film's genres are its categories (the first: main) and tags."""

    name = "movielens"
    patterns = ("ratings.csv",)
    columns = ("movieId", "rating", "timestamp")
    user_column = "userId"

    def event(self, row: Row) -> Json:
        return {
            "event_time": _TIME(row["timestamp"]),
            "kind": self.kind("rating"),
            "user_id": self.user(row),
            "item_id": row["movieId"],
            "value": row["rating"],
        }

    def items(self) -> Iterator[Json]:
        for row in self.side_rows("movies.csv", ("movieId", "title", "genres")):
            genres = [genre for genre in row["genres"].split("|") if genre not in ("", "(no genres listed)")]
            main = genres[0] if genres else None
            yield described(row["movieId"], title=row["title"], category=main, categories=genres, tags=genres)
