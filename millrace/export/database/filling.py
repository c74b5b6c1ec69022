"""Fills a database: everything is staged in temporary tables, then merged in one transaction.

A second run leaves the same rows: rows that did not change are not written, and those that are gone are deleted. Others
see the old state or the new one. Rows of other tables that refer to ours stay, because a row that is still there is
updated, never deleted and inserted again.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from adapters.lake.in_order import in_order
from adapters.lake.tables import Lake
from adapters.log.forgotten import Forgotten
from adapters.records.books import CATALOGUE
from adapters.records.catalogue import ITEMS
from adapters.terminal.progress import progress
from core.control.changes import origin
from core.rows.catalogue_rows import DELETED
from millrace.export.database import contents
from millrace.export.database.tables import BY_NAME, FORM, MARKER, TABLES, VIEWS, adopt, delete_gone, indexes
from millrace.export.database.target import Target, require_ours
from millrace.export.rows import PATIENCE_SECONDS, whole
from millrace.export.sources import personal_lists
from millrace.export.users import Chosen
from schemas.control import Control
from schemas.rules import Rules
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views

USERS_PER_PAGE, ITEMS_PER_PAGE, LISTS_PER_PAGE = 100, 1_000, 100
# Whoever is named in one of these is a row of the other, too.
NAMED = (
    ("users", "user_id", "interactions", "user_id"),
    ("users", "user_id", "lists", "user_id"),
    ("items", "item_id", "interactions", "item_id"),
    ("items", "item_id", "list_items", "item_id"),
    ("items", "item_id", "recommendations", "item_id"),
)


@dataclass(frozen=True)
class Filling:
    """One export. ``gone``: users whose events do not count; ``n``: rows of each list of recommendations."""

    target: Target
    views: Views
    control: Control
    lake: Lake
    rules: Rules
    gone: Forgotten
    n: int

    def fill(self, everybody: Chosen) -> dict[str, Any]:
        """Stage and merge everything; returns the number of rows by table, and what it was made from.

        Raises:
            SettingsError: the database has tables of these names that are not ours.
        """
        require_ours(self.target)
        self.views.patience_seconds = max(self.views.patience_seconds, PATIENCE_SECONDS)
        for table in TABLES:
            self.target.run(self.target.dialect.stage(table))
        covered = self._interactions()
        header = self._users(everybody)
        self._own_lists()
        for named in NAMED:
            self.target.run(adopt(*named))
        self._items()
        for column in ("items", "item_categories"):
            self.target.run(adopt("categories", "category", column, "category"))
        made_of = {"generation": header["generation"], "fresh_to": json.dumps(header["fresh_to"])}
        marks = {"form": FORM, "interactions_below": json.dumps(covered), **made_of}
        self.target.stage(MARKER, list(marks.items()))
        return {"rows": self._merge(), "interactions_below": covered, **header}

    def _interactions(self) -> dict[int, int]:
        start = origin(self.control)
        covered = self.lake.covered(self.control.log, start)
        done = 0
        with progress("staging interactions", sum(covered.values())) as reached:
            for events in in_order(self.lake, self.rules, {}, covered, self.gone):
                done += self.target.stage("interactions", contents.interactions(events))
                reached(done)
        return covered

    def _users(self, everybody: Chosen) -> dict[str, Any]:
        (models, lists, entries), header = whole(self.views, self._shared)
        self.target.stage("models", models)
        self.target.stage("lists", lists)
        self.target.stage("list_items", entries)
        done = 0
        with progress("staging users", everybody.count) as reached:
            for users in everybody.pages(USERS_PER_PAGE):
                about, header = whole(self.views, partial(contents.about_users, users=users, n=self.n))
                for table in ("users", "lists", "list_items", "recommendations"):
                    self.target.stage(table, getattr(about, table))
                done += len(users)
                reached(done)
        return header

    def _own_lists(self) -> None:
        named = personal_lists(self.views.batch)
        while page := list(islice(named, LISTS_PER_PAGE)):
            lists, entries = contents.own_lists(page)
            self.target.stage("lists", lists)
            self.target.stage("list_items", entries)

    def _shared(self, snapshot: Snapshot) -> tuple[list[Any], list[Any], list[Any]]:
        active = self.control.generation(self.control.active)
        quality = active.metrics.get("evaluation") if active else None
        return contents.models(snapshot, quality or {}), *contents.shared_lists(snapshot, self.n)

    def _items(self) -> None:
        """Stage all items: those of the catalogue, and those that the staged rows name."""
        speed = self.views.speed
        self.target.run("CREATE TEMPORARY TABLE item_names (item_id text PRIMARY KEY)")
        self.target.run("INSERT INTO item_names SELECT item_id FROM new_items")
        self.target.run("DELETE FROM new_items")
        names = (key.decode() for key, row in speed.scan(CATALOGUE, ITEMS) if row != DELETED)
        while page := list(islice(names, ITEMS_PER_PAGE)):
            self._about_items(page)
        staged = "SELECT 1 FROM new_items i WHERE i.item_id = n.item_id"
        query = f"SELECT n.item_id FROM item_names n WHERE NOT EXISTS ({staged})"  # noqa: S608 - names of ours
        rest: Iterator[str] = iter([name for (name,) in self.target.rows(query)])
        while page := list(islice(rest, ITEMS_PER_PAGE)):
            self._about_items(page)

    def _about_items(self, names: list[str]) -> None:
        items = [name.encode() for name in names]
        about, _ = whole(self.views, partial(contents.about_items, items=items))
        self.target.stage("items", about.items)
        self.target.stage("item_categories", about.categories)
        self.target.stage("item_tags", about.tags)
        self.target.stage("external_ids", about.external_ids)

    def _merge(self) -> dict[str, int]:
        dialect = self.target.dialect
        for table in TABLES:
            self.target.run(dialect.create(table))
            for statement in indexes(table):
                self.target.run(statement)
        counts = {}
        with progress("merging", 2 * len(TABLES)) as reached:
            for number, table in enumerate(TABLES):
                reached(number, now=table.name)
                self.target.run(dialect.merge(table))
                ((counts[table.name],),) = self.target.rows(f"SELECT count(*) FROM new_{table.name}")  # noqa: S608 - names of ours
            for number, table in enumerate(reversed(TABLES)):
                reached(len(TABLES) + number, now=table.name)
                self.target.run(delete_gone(table))
        for name, query in VIEWS.items():
            self.target.run(f"DROP VIEW IF EXISTS {name}")
            self.target.run(f"CREATE VIEW {name} AS {query}")
        return {name: count for name, count in counts.items() if name in BY_NAME and name != MARKER}
