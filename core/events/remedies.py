"""What a person can do about each reason for which events are rejected (docs/contract.md §2): one table."""

from collections.abc import Callable

from schemas.rules import Rules

MANY = 0.01  # of all records: beyond this share a reason is a wrong setting or producer, not a stray record


def remedy(reason: str, rules: Rules) -> str:
    """Return the sentence that says what is wrong with such events and which command helps.

    A reason that this version does not know is answered too: it may be one of another version's layer.
    """
    text = _FIELDS.get(reason) or _REASONS.get(reason.partition(":")[0], _other)
    return text(reason, rules)


def frequent(rejected: dict[str, int], events: int) -> dict[str, int]:
    """Return the reasons by which more than ``MANY`` of all records were rejected, most frequent first.

    Args: rejected: records by reason.      events: accepted ones.
    """
    total = events + sum(rejected.values())
    ordered = sorted(rejected.items(), key=lambda row: (-row[1], row[0]))
    return {reason: count for reason, count in ordered if count > MANY * total}


def advice(rejected: dict[str, int], events: int, rules: Rules) -> list[str]:
    """Return a message with the remedy for each reason that is frequent."""
    total = events + sum(rejected.values())
    return [
        f"{count:,} of {total:,} events were rejected as {reason}: {remedy(reason, rules)}"
        for reason, count in frequent(rejected, events).items()
    ]


def _again(reason: str) -> str:
    return f"then `millrace rejected export FILE --reason {reason}`, mend FILE, `millrace produce FILE`"


def _replay(reason: str) -> str:
    return f"then `millrace rejected replay --reason {reason}`"


def _field(reason: str) -> str:
    return reason.partition(":")[2]


def _other(reason: str, rules: Rules) -> str:
    return f"look at them with `millrace rejected list`, mend the producer, {_again(reason)}"


def _event_time(reason: str, rules: Rules) -> str:
    return (
        "event_time is a whole number of milliseconds since 1970, or a date-time with its zone such as "
        "2026-01-31T12:00:00Z, from 1990 to a day after the record was sent. Seconds, microseconds, nanoseconds and "
        "times without a zone are the usual mistakes: mend the unit or add the zone in the producer (for files "
        f"`millrace import csv --time-format`), {_again(reason)}"
    )


def _missing(reason: str, rules: Rules) -> str:
    field = _field(reason)
    return f"the producer leaves out {field}, or calls it by another name (names are exact); mend it, {_again(reason)}"


def _value(reason: str, rules: Rules) -> str:
    return (
        "value is a JSON number without quotes, currency or thousands separator; for a kind weighed by its value it is "
        f"required, from 0.001 to 1,000,000; mend the producer, {_again(reason)}"
    )


def _id(reason: str, rules: Rules) -> str:
    field = _field(reason)
    longest = 128 if field == "event_id" else 256
    return (
        f"{field} is a JSON string (a number needs quotes) of 1 to {longest} characters"
        f"{'' if field == 'event_id' else ' without control characters'}; mend the producer, {_again(reason)}"
    )


def _invalid(reason: str, rules: Rules) -> str:
    field = _field(reason)
    form = "a JSON object" if field == "context" else "a JSON string of up to 256 characters"
    return f"{field} must be {form}; mend the producer, {_again(reason)}"


def _unknown_kind(reason: str, rules: Rules) -> str:
    known = ", ".join(sorted(rules.kinds))
    return (
        f"the setting kinds knows {known}; add theirs with a weight (stop the speed layer, `millrace batch run "
        f"--full`, start it, {_replay(reason)}), or let the producer send a known kind"
    )


def _key_mismatch(reason: str, rules: Rules) -> str:
    return (
        "the record's key must be the event's user_id. A producer that sends no key, or another one, spreads a user's "
        f"events over partitions and loses their order: have it key by user_id, {_replay(reason)}, which sets the key"
    )


def _misrouted(reason: str, rules: Rules) -> str:
    other = "crc32" if rules.partitioner == "murmur2" else "murmur2"
    return (
        f"they were in another partition than {rules.partitioner} gives their key: set partitioner to {other} if your "
        f"producers use that, run `millrace batch run --full`, {_replay(reason)}"
    )


def _malformed(reason: str, rules: Rules) -> str:
    return (
        "each record is one JSON object in UTF-8 (no byte order mark, NaN, array or other format such as Avro); mend "
        f"the producer's serializer, {_again(reason)}"
    )


def _oversize(reason: str, rules: Rules) -> str:
    return f"an event has at most 65,536 bytes; leave out what is large (often context), {_again(reason)}"


_FIELDS: dict[str, Callable[[str, Rules], str]] = {
    "invalid:event_time": _event_time,
    "missing:value": _value,
    "invalid:value": _value,
    **{f"invalid:{field}": _id for field in ("event_id", "user_id", "item_id")},
}
_REASONS: dict[str, Callable[[str, Rules], str]] = {
    "missing": _missing,
    "invalid": _invalid,
    "unknown_kind": _unknown_kind,
    "key_mismatch": _key_mismatch,
    "misrouted": _misrouted,
    "malformed": _malformed,
    "oversize": _oversize,
}
