"""What the merged views answer about many users, as rows of a table; each page of users is one snapshot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from adapters.terminal.progress import progress
from core.rows.views import HISTORY, SEEN
from millrace.export.files import Row
from millrace.export.users import Chosen
from schemas.errors import StoreUnavailable
from schemas.event import WEIGHT_SCALE
from serving_layer.answers.recommend import recommend_to_many
from serving_layer.answers.sources import Wish
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

PATIENCE_SECONDS = 120.0  # for a page of users: nobody waits for a single answer here
HISTORIES = pa.schema(
    [
        ("user_id", pa.string()), ("place", pa.int32()), ("item_id", pa.string()), ("rating", pa.float64()),
        ("last_time", pa.int64()),
    ]
)  # fmt: skip
RECOMMENDATIONS = pa.schema(
    [
        ("user_id", pa.string()), ("rank", pa.int32()), ("item_id", pa.string()), ("score", pa.float64()),
        ("confidence", pa.float64()), ("source", pa.string()), ("because", pa.list_(pa.string())),
        ("category", pa.string()), ("personal", pa.bool_()), ("generation", pa.string()),
    ]
)  # fmt: skip

T = TypeVar("T")


class Ask(Protocol):
    """Answers about a page of users."""

    def __call__(self, snapshot: Snapshot, /, users: list[bytes]) -> list[Row]: ...


@dataclass
class Answered:
    """What became of an export: users asked about and without any row, and the first and last header."""

    users: int = 0
    without: int = 0
    first: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what the command prints; ``fresh_to`` is of the last page, ``fresh_from`` of the first."""
        prefixes = {"fresh_from": self.first.get("fresh_to"), "fresh_to": self.last.get("fresh_to")}
        return {"users": self.users, "users_without_rows": self.without, **self.last, **prefixes}


@dataclass(frozen=True)
class Exported:
    """One kind of table about users: its columns, how many users are answered together, and how."""

    columns: pa.Schema
    users_per_page: int
    ask: Ask


def rows_of(views: Views, kind: Exported, chosen: Chosen, what: str, answered: Answered) -> Iterator[list[Row]]:
    """Yield the rows of the users, page by page.

    Raises:
        StoreUnavailable: a store did not answer; an export never lacks a part silently.
    """
    views.patience_seconds = max(views.patience_seconds, PATIENCE_SECONDS)
    with progress(what, chosen.count) as reached:
        for users in chosen.pages(kind.users_per_page):
            rows, header = whole(views, partial(kind.ask, users=users))
            answered.first = answered.first or header
            answered.last = header
            answered.users += len(users)
            answered.without += len(users) - len({row[0] for row in rows})
            yield rows
            reached(answered.users)


def whole(views: Views, ask: Callable[[Snapshot], T]) -> tuple[T, dict[str, Any]]:
    """Return what ``ask`` makes of one snapshot that lacks nothing, and the snapshot's header.

    Raises:
        StoreUnavailable: a store did not answer.
    """

    def both(snapshot: Snapshot) -> tuple[T, dict[str, Any]]:
        result, header = ask(snapshot), snapshot.header()
        if snapshot.without or snapshot.course.lacking:
            why = "; ".join(snapshot.without.values()) or f"it lacks the {', '.join(snapshot.course.lacking)}"
            raise StoreUnavailable(f"the export would be incomplete ({why}): nothing was written, run it again")
        return result, header

    return answer(views, both)


def _histories(snapshot: Snapshot, users: list[bytes]) -> list[Row]:
    snapshot.rows(HISTORY, users)  # in one request
    return [
        (user.decode(), place, entry.item.decode(), entry.rating / WEIGHT_SCALE, entry.last_time)
        for user in users
        for place, entry in enumerate(reversed(snapshot.history(user).entries), 1)
    ]


def recommended(n: int) -> Exported:
    """Return the table of the ``n`` best recommendations of each user."""

    def ask(snapshot: Snapshot, users: list[bytes]) -> list[Row]:
        snapshot.rows(HISTORY, users)
        snapshot.rows(SEEN, users)
        answers = recommend_to_many(snapshot, users, Wish(_page(n)))["users"]
        return [
            (
                of["user_id"], rank, row["item_id"], row["score"], row["confidence"], row["source"], row["because"],
                row["category"], of["personal"], snapshot.generation,
            )
            for of in answers
            for rank, row in enumerate(of["items"], 1)
        ]  # fmt: skip

    return Exported(RECOMMENDATIONS, 100, ask)


def _page(n: int) -> Any:
    from serving_layer.merged.pages import Page

    return Page(n=n)


HISTORY_TABLE = Exported(HISTORIES, 500, _histories)
