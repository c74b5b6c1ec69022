"""What ``status`` says beside the events: rejected records of the catalogue, whose the speed store is, the topics."""

from typing import TYPE_CHECKING

from adapters.records.books import CATALOGUE
from adapters.records.control import Applied
from schemas.errors import MillraceError
from serving_layer.reading.views import ANOTHER_LOGS, Views

if TYPE_CHECKING:
    from adapters.log.kafka_log import Log


def rejected_catalogue(views: Views) -> dict[str, int]:
    """Return rejected records of ``items`` and ``users`` by reason. Raises StoreUnavailable."""
    return Applied.from_json(views.speed.record(CATALOGUE)).rejected_by_reason


def about_the_catalogue(rejected: dict[str, int] | None) -> list[str]:
    """Return a message if records were rejected, and the remedy."""
    if not rejected:
        return []
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(rejected.items()))
    return [
        f"{sum(rejected.values()):,} records of items and users were rejected ({reasons}): `millrace rejected list "
        "--topic items` (or users) shows them and the remedy"
    ]


def about_the_speed_store(why: str) -> list[str]:
    """Return a message if another installation uses the store; ``why``: why an answer did without it, if it did."""
    if ANOTHER_LOGS not in why:
        return []
    whose = why[why.index(ANOTHER_LOGS) :].partition(":")[0]
    return [
        f"{whose} and count for nothing here: set MILLRACE_SPEED_VIEWS to a "
        "store of its own, or to a prefix of its own in a shared Redis (redis://host:port/db?prefix=shop1)"
    ]


def about_the_topics(log: "Log | None", retention_ms: int) -> list[str]:
    """Return topics whose settings lose records; none if the log cannot be asked, which is reported elsewhere."""
    if log is None:
        return []
    from adapters.log.topic_state import findings

    try:
        return [finding.text for finding in findings(log, retention_ms)]
    except MillraceError:
        return []
