"""What clients post: judged here by the log's own rules, so that a 202 means events that both layers accept."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from core.events.catalogue import parse_item, parse_user
from core.events.posted import Judge
from core.json.outline import commas, outline
from core.json.strict_json import MAX_NESTING, Malformed, decode
from schemas.catalogue import Item, User
from schemas.errors import Unprocessable
from schemas.event import MAX_VALUE_BYTES, Rejected
from schemas.rules import Rules

MAX_ENTRIES = 1_000
MAX_VALUES = 20_000  # of one body; a long list of items to leave out has half as many
BLANKS = b" \t\r\n"
OVERSIZE = object()  # instead of an entry of more bytes than a record may have

Entry = TypeVar("Entry", Item, User)


@dataclass(frozen=True)
class Posted:
    """What goes to the log, as (key, value), and what does not.

    ``duplicates``: events that go to the log although an earlier one of the same user in the list has their id.
    """

    records: list[tuple[bytes, bytes]]
    ids: list[str]
    rejected: list[dict[str, Any]]
    duplicates: list[dict[str, Any]] = field(default_factory=list)


def read_interactions(body: bytes, rules: Rules, now_ms: int, new_id: Callable[[], str]) -> Posted:
    """Return one event or an array of them; event_id and event_time are added where they are missing.

    A duplicate within the list goes to the log like any other event: the fold counts it there, as it counts those that
    the log had before.

    Args: now_ms: the wall clock, epoch ms, also the record's coming Kafka timestamp.      new_id: a unique id.
    Raises: Unprocessable when none is good, or one user has more events than the ids by which duplicates are known:
        sent again after a lost answer, the first of them would count twice.
    """
    try:
        events = Judge(rules, now_ms, new_id).judged(_parts(body))
    except Malformed as error:
        raise _no_json(error) from None
    posted, users, known = Posted([], [], []), Counter[str](), set[tuple[str, str]]()
    for index, event in enumerate(events):
        if isinstance(event, Rejected):
            posted.rejected.append({"index": index, "reason": event.reason})
            continue
        if (event.user_id, event.event_id) in known:
            posted.duplicates.append({"index": index, "event_id": event.event_id})
        known.add((event.user_id, event.event_id))
        posted.records.append((event.user_id.encode(), event.value))
        posted.ids.append(event.event_id)
        users[event.user_id] += 1
    for user, count in users.most_common(1):
        if count > rules.remembered_ids:
            raise Unprocessable(f"{count} events of user {user!r} in one list: send at most {rules.remembered_ids}")
    if not posted.records:
        raise Unprocessable("none of the events is acceptable", posted.rejected)
    return posted


def read_items(body: bytes) -> Posted:
    """Return one item or an array of them. Raises Unprocessable when none is good."""
    return _described(body, "item_id", parse_item)


def read_users(body: bytes) -> Posted:
    """Return one user or an array of them. Raises Unprocessable when none is good."""
    return _described(body, "user_id", parse_user)


def _described(body: bytes, name: str, parse: Callable[[bytes, bytes], Entry | Rejected | None]) -> Posted:
    posted = Posted([], [], [])
    for index, entry in enumerate(_entries(body)):
        given = entry.get(name) if isinstance(entry, dict) else None
        key = given if isinstance(given, str) else ""
        value = b"" if entry is OVERSIZE else _bytes(entry)
        parsed = Rejected("oversize") if entry is OVERSIZE else parse(key.encode(), value)
        if isinstance(parsed, Rejected):
            posted.rejected.append({"index": index, "reason": parsed.reason})
        else:
            posted.records.append((key.encode(), value))
            posted.ids.append(key)
    if not posted.records:
        raise Unprocessable("nothing in the request is acceptable", posted.rejected)
    return posted


def decoded(body: bytes) -> object:
    """Return what a body says. Raises Unprocessable for text that is not JSON, or has more values than allowed."""
    if outline(body, len(body), MAX_NESTING).values > MAX_VALUES:  # without decoding millions of them
        raise Unprocessable(f"the body has more than {MAX_VALUES:,} values: send fewer at a time")
    try:
        return decode(body)
    except Malformed as error:
        raise _no_json(error) from None


def _no_json(error: Malformed) -> Unprocessable:
    return Unprocessable(f"the body is not JSON: {error}")


def _entries(body: bytes) -> Iterator[object]:
    """Yield the entries of an array, or the body as the only one, decoded one at a time; oversize ones undecoded."""
    for part in _parts(body):
        try:
            entry = OVERSIZE if len(part) > MAX_VALUE_BYTES else decode(part)
        except Malformed as error:
            raise _no_json(error) from None
        yield entry


def _parts(body: bytes) -> list[bytes]:
    """Return the bytes of each entry of an array, or the body.

    Raises Unprocessable for an array without end, without entries or with too many.
    """
    text = body.strip(BLANKS)
    if not text.startswith(b"["):
        return [text]
    if not text.endswith(b"]"):
        raise Unprocessable("the body is not JSON: its array does not end")
    bounds = [0, *commas(text, MAX_ENTRIES), len(text) - 1]
    parts = [text[start + 1 : end].strip(BLANKS) for start, end in pairwise(bounds)]
    if parts == [b""]:
        raise Unprocessable(f"0 entries: send 1 to {MAX_ENTRIES:,}")
    if len(parts) > MAX_ENTRIES:
        raise Unprocessable(f"more than {MAX_ENTRIES:,} entries: send 1 to {MAX_ENTRIES:,}")
    return parts


def _bytes(entry: object) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()
