"""What ``status`` says of events that do not count: duplicates, and those beyond their users' shares (contract §3)."""

from dataclasses import replace
from typing import Any

from adapters.settings import Settings
from core.rows.codec import Facts
from core.rows.merging import added
from core.rows.shares import last_days, most_excess
from core.rows.views import EXCESS_USERS
from schemas.control import Control
from serving_layer.reading.decoding import bucket_keys
from serving_layer.reading.snapshot import Snapshot

NO_EXCESS: dict[str, Any] = {"excess": 0, "excess_users": []}


def known_duplicates(control: Control | None, facts: Facts, settings: Settings) -> int | None:
    """Return the number of duplicates; None when the views are of an earlier version, which did not count them."""
    if control is None:
        return facts.duplicates
    rules = replace(settings.rules, partitions=control.log.partitions)
    return None if control.fingerprint in rules.earlier_fingerprints() else facts.duplicates


def excess(snapshot: Snapshot) -> dict[str, Any]:
    """Return how many events of the log are beyond their users' shares, and who has the most in the last week."""
    facts = snapshot.facts
    if not facts.excess or facts.as_of is None:
        return NO_EXCESS
    days = snapshot.decoded(EXCESS_USERS, bucket_keys(last_days(facts.as_of)), added)
    users = most_excess(row for row in days if row)
    named = [{"user_id": user, "events": events} for user, events in users]
    return {"excess": facts.excess, "excess_users": named}
