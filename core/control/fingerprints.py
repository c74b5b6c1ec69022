"""Why stored views cannot be used with the configured rules, judged by their fingerprint (contract §5 rule 14)."""

from dataclasses import replace

from schemas.control import Control
from schemas.rules import Rules

REMEDY = "stop the speed layer and run `millrace batch run --full`"


def why_not_these(fingerprint: str, rules: Rules) -> str | None:
    """Return why these rules cannot add to views of that fingerprint, with the remedy; None when they can."""
    if fingerprint == rules.fingerprint():
        return None
    if fingerprint in rules.earlier_fingerprints():
        return (
            "the stored views were made by an earlier version of Millrace, which folded events differently: "
            f"{REMEDY}, which makes new ones from the lake and the log"
        )
    return (
        "the settings that decide what events mean (kinds, weights, history_items, remembered_ids, window, "
        "counted_per_day, dimensions, partitioner, partitions) differ from those of the stored views: set them back, "
        f"or {REMEDY}, which publishes a generation with the new ones"
    )


def why_not_configured(control: Control, rules: Rules) -> str | None:
    """Return ``why_not_these`` for the active views; the rules get the log's number of partitions."""
    return why_not_these(control.fingerprint, replace(rules, partitions=control.log.partitions))
