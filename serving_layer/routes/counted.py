"""What is counted of answers and of what is posted, wherever they are made."""

from collections.abc import Mapping
from typing import Any

from adapters.telemetry.counting import count
from core.telemetry.families import ANSWERS, LISTED, POSTED, REFUSED
from serving_layer.routes.ingest import Posted

COMPLETE = ("none",)


def count_answer(body: Mapping[str, Any]) -> None:
    """Count an answer by what it lacks and, of recommendations, the items by their source."""
    if "degraded" not in body:
        return
    for part in body["degraded"] or COMPLETE:
        count(ANSWERS, part)
    if "personal" in body:
        listed: dict[str, int] = {}
        for item in body["items"]:
            listed[item["source"]] = listed.get(item["source"], 0) + 1
        for source, number in listed.items():
            count(LISTED, source, by=number)


def count_posted(topic: str, posted: Posted) -> None:
    """Count what a body held: records for the log, duplicates among them, and refused ones by reason."""
    count(POSTED, topic, "accepted", by=len(posted.records) - len(posted.duplicates))
    count(POSTED, topic, "duplicate", by=len(posted.duplicates))
    count(POSTED, topic, "rejected", by=len(posted.rejected))
    for entry in posted.rejected:
        count(REFUSED, topic, entry["reason"])
