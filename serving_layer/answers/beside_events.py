"""What ``status`` says beside the events: rejected records of the catalogue, whose the speed store is, the topics."""

from typing import TYPE_CHECKING

from adapters.records.books import CATALOGUE
from adapters.records.control import Applied, log_of, read_position
from core.control.changes import is_ours
from schemas.control import Control
from schemas.errors import MillraceError, StoreUnavailable
from serving_layer.reading.views import Views

if TYPE_CHECKING:
    from adapters.log.kafka_log import Log


def rejected_catalogue(views: Views) -> dict[str, int]:
    """Rejected records of ``items`` and ``users`` by reason. Raises StoreUnavailable."""
    return Applied.from_json(views.speed.record(CATALOGUE)).rejected_by_reason


def about_the_catalogue(rejected: dict[str, int] | None) -> list[str]:
    """That records were rejected, and what to do."""
    if not rejected:
        return []
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(rejected.items()))
    return [
        f"{sum(rejected.values()):,} records of items and users were rejected ({reasons}): `millrace rejected list "
        "--topic items` (or users) shows them and the remedy"
    ]


def about_the_speed_store(views: Views, control: Control | None) -> list[str]:
    """That another installation uses it."""
    if control is None:
        return []
    try:
        found = log_of(views.speed, read_position(views.speed))
    except StoreUnavailable:
        return []
    if is_ours(found, control):
        return []
    return [
        f"the speed views belong to another log ({found}) and count for nothing here: set MILLRACE_SPEED_VIEWS to a "
        "store of its own, or to a prefix of its own in a shared Redis (redis://host:port/db?prefix=shop1)"
    ]


def about_the_topics(log: "Log | None", retention_ms: int) -> list[str]:
    """Topics that are set so that records are lost; nothing where the log cannot be asked, which is said elsewhere."""
    if log is None:
        return []
    from adapters.log.topic_state import findings

    try:
        return [finding.text for finding in findings(log, retention_ms)]
    except MillraceError:
        return []
