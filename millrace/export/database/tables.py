"""The tables and views of an exported database, and the statements that make, merge and clean them."""

from dataclasses import dataclass

TEXT, REAL, WHOLE, YES_NO, TIME, JSON = "text", "real", "whole", "yes or no", "time", "json"
MARKER = "millrace_export"  # the table that says that the others are ours
FORM = "1"


@dataclass(frozen=True)
class Link:
    """A foreign key: of this column into the key of that table; ``gone``: what happens when that row is deleted."""

    column: str
    table: str
    gone: str = "CASCADE"


@dataclass(frozen=True)
class Table:
    """A table: its columns with their kinds, its primary key, its foreign keys."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    links: tuple[Link, ...] = ()
    indexed: tuple[str, ...] = ()

    @property
    def rest(self) -> list[str]:
        """The columns that are not in the key."""
        return [name for name in self.columns if name not in self.key]


_USER, _ITEM = Link("user_id", "users"), Link("item_id", "items")

# Each after those that it refers to.
TABLES = (
    Table(MARKER, {"name": TEXT, "value": TEXT}, ("name",)),
    Table("categories", {"category": TEXT}, ("category",)),
    Table("users", {"user_id": TEXT, "preferences": JSON, "attributes": JSON}, ("user_id",)),
    Table(
        "items",
        {
            "item_id": TEXT, "title": TEXT, "description": TEXT, "category": TEXT, "brand": TEXT, "price": REAL,
            "image": TEXT, "created_at": TIME, "hidden": YES_NO, "regions": JSON,
        },
        ("item_id",), (Link("category", "categories", "SET NULL"),), ("category",),
    ),
    Table(
        "item_categories", {"item_id": TEXT, "category": TEXT, "place": WHOLE}, ("item_id", "category"),
        (_ITEM, Link("category", "categories")), ("category",),
    ),
    Table("item_tags", {"item_id": TEXT, "tag": TEXT, "weight": REAL}, ("item_id", "tag"), (_ITEM,), ("tag",)),
    Table("external_ids", {"item_id": TEXT, "system": TEXT, "external_id": TEXT}, ("item_id", "system"), (_ITEM,)),
    Table(
        "interactions",
        {
            "log_partition": WHOLE, "log_offset": WHOLE, "event_id": TEXT, "user_id": TEXT, "item_id": TEXT,
            "kind": TEXT, "value": REAL, "weight": REAL, "event_time": TIME,
        },
        ("log_partition", "log_offset"), (_USER, _ITEM), ("user_id", "item_id"),
    ),
    Table("lists", {"list_id": TEXT, "name": TEXT, "user_id": TEXT}, ("list_id",), (_USER,), ("user_id",)),
    Table(
        "list_items", {"list_id": TEXT, "place": WHOLE, "item_id": TEXT, "value": REAL, "touched_at": TIME},
        ("list_id", "place"), (Link("list_id", "lists"), _ITEM), ("item_id",),
    ),
    Table("models", {"model": TEXT, "kind": TEXT, "generation": TEXT, "quality": JSON}, ("model",)),
    Table(
        "recommendations",
        {
            "model": TEXT, "user_id": TEXT, "rank": WHOLE, "item_id": TEXT, "score": REAL, "confidence": REAL,
            "source": TEXT,
        },
        ("model", "user_id", "rank"), (Link("model", "models"), _USER, _ITEM), ("user_id", "item_id"),
    ),
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}
BLEND, CONTENT, COLLABORATIVE, COUNTS, PERSONAL = "blend", "content", "collaborative", "counts", "personal"
_OF_KIND = """SELECT r.user_id, r.rank, r.item_id, i.title, r.score, r.model FROM recommendations r
JOIN models m ON m.model = r.model JOIN items i ON i.item_id = r.item_id WHERE m.kind = '{}'"""
VIEWS = {
    "content_recommendations": _OF_KIND.format(CONTENT),
    "collaborative_recommendations": _OF_KIND.format(COLLABORATIVE),
    "best_recommendations": _OF_KIND.format(BLEND),
}


@dataclass(frozen=True)
class Dialect:
    """What differs between databases: the types of the kinds, and the comparison that counts null as a value."""

    types: dict[str, str]
    differs: str

    def create(self, table: Table) -> str:
        """Return the statement that makes the table if it is missing."""
        columns = [
            f"{name} {self.types[kind]}{' NOT NULL' if name in table.key else ''}"
            for name, kind in table.columns.items()
        ]
        links = [
            f"FOREIGN KEY ({link.column}) REFERENCES {link.table} ({link.column}) ON DELETE {link.gone}"
            for link in table.links
        ]
        parts = ", ".join([*columns, f"PRIMARY KEY ({', '.join(table.key)})", *links])
        return f"CREATE TABLE IF NOT EXISTS {table.name} ({parts})"

    def stage(self, table: Table) -> str:
        """Return the statement that makes the table's temporary twin, without references."""
        columns = ", ".join(f"{name} {self.types[kind]}" for name, kind in table.columns.items())
        return f"CREATE TEMPORARY TABLE new_{table.name} ({columns}, PRIMARY KEY ({', '.join(table.key)}))"

    def merge(self, table: Table) -> str:
        """Return the statement that inserts staged rows and updates those that differ."""
        columns = ", ".join(table.columns)
        sets = ", ".join(f"{name} = excluded.{name}" for name in table.rest)
        differ = " OR ".join(f"{table.name}.{name} {self.differs} excluded.{name}" for name in table.rest)
        action = f"DO UPDATE SET {sets} WHERE {differ}" if table.rest else "DO NOTHING"
        return (
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM new_{table.name} WHERE true "  # noqa: S608 - names of ours
            f"ON CONFLICT ({', '.join(table.key)}) {action}"
        )


def delete_gone(table: Table) -> str:
    """Return the statement that deletes the rows that were not staged."""
    same = " AND ".join(f"n.{name} = {table.name}.{name}" for name in table.key)
    return f"DELETE FROM {table.name} WHERE NOT EXISTS (SELECT 1 FROM new_{table.name} n WHERE {same})"  # noqa: S608 - names of ours


def indexes(table: Table) -> list[str]:
    """Return the statements that index the columns by which the table is joined."""
    return [f"CREATE INDEX IF NOT EXISTS {table.name}_by_{name} ON {table.name} ({name})" for name in table.indexed]


def adopt(table: str, column: str, source: str, source_column: str) -> str:
    """Return the statement that stages a bare row for each value that another staged table refers to."""
    return (
        f"INSERT INTO new_{table} ({column}) SELECT DISTINCT {source_column} FROM new_{source} "  # noqa: S608 - names of ours
        f"WHERE {source_column} IS NOT NULL ON CONFLICT DO NOTHING"
    )
