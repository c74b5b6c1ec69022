"""What clients post is judged alike in compiled code and one by one, and as the log's own rules judge its bytes."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events.acceptance import parse_event
from core.events.posted import Accepted, Judge
from core.json.strict_json import Malformed
from core.partitions.partitioner import partition_of
from schemas.event import Event, Record, Rejected
from schemas.rules import Rules
from tests.kit.hostile import TIMESTAMP, encoded, good, hostile
from tests.kit.hostile_at_random import hostile_at_random

RULES = Rules(partitions=3)
BLANKS = b" \t\r\n"


def judge() -> Judge:
    return Judge(RULES, TIMESTAMP, lambda: 'new "\u00e9')


def outcome(judged: Callable[[list[bytes]], Any], entries: list[bytes]) -> Any:
    try:
        return judged(entries)
    except Malformed as error:
        return str(error)


def require_agreement(entries: list[bytes]) -> None:
    together = outcome(judge().together, entries)
    assert together == outcome(judge().one_by_one, entries)
    for entry, event in zip(entries, together, strict=True) if not isinstance(together, str) else ():
        if isinstance(event, Accepted):
            key = event.user_id.encode()
            partition = partition_of(key, RULES.partitioner, RULES.partitions)
            parsed = parse_event(Record("events", partition, 0, TIMESTAMP, key, event.value), RULES)
            assert isinstance(parsed, Event)
            assert (parsed.user_id, parsed.event_id) == (event.user_id, event.event_id)
            assert event.value.startswith(entry[:-1])


def entries_of(seed: int) -> list[bytes]:
    """Return good and hostile values, some without what the server gives, none that is no JSON."""
    rng, entries = random.Random(seed), [case.value.strip(BLANKS) for case in hostile() if case.value]
    entries += [case.value.strip(BLANKS) for case in hostile_at_random(seed, 40) if case.value]
    for number in range(60):
        members = good(event_id=f"e{number}", user_id=f"u{rng.randrange(9)}")
        for name in ("event_id", "event_time"):
            if rng.random() < 0.3:
                members[name] = None
            if rng.random() < 0.5:
                del members[name]
        entries.append(json.dumps(members, indent=rng.choice([None, 1])).encode())
    json_alone = [entry for entry in entries if not isinstance(outcome(judge().one_by_one, [entry]), str)]
    rng.shuffle(json_alone)
    return json_alone


@pytest.mark.parametrize("seed", range(5))
def test_lists_are_judged_alike_whatever_is_in_them(seed: int) -> None:
    require_agreement(entries_of(seed))


def test_an_entry_that_is_no_json_is_refused_alike() -> None:
    plain = [encoded(good(event_id=f"e{number}")) for number in range(20)]
    for case in [*hostile(), *hostile_at_random(7, 100)]:
        if case.value:
            require_agreement([*plain, case.value.strip(BLANKS), *plain])


values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([{"a": 1}]))
fields = st.sampled_from([*good(), "event_id", "event_time", "x", "context", "value"])


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.tuples(st.lists(fields, max_size=3), st.dictionaries(fields, values, max_size=3)), max_size=6))
def test_any_members_are_judged_alike(changes: list[tuple[list[str], dict[str, Any]]]) -> None:
    entries = list[bytes]()
    for absent, members in changes:
        changed = {name: value for name, value in good().items() if name not in absent} | members
        entries.append(json.dumps(changed, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    require_agreement(entries)


def test_bytes_stay_as_they_came_and_what_is_missing_is_written_at_the_end() -> None:
    whole = b'{ "kind": "view",\n"user_id": "u", "item_id": "i", "event_id": "e", "event_time": 1700000000000 }'
    partial, nothing = b'{"kind":"view","user_id":"u","item_id":"i","event_id":null}', b"{}"
    for judged in (judge().together, judge().one_by_one):
        first, second, third = judged([whole, partial, nothing])
        assert first == Accepted("u", "e", whole)
        added = f',"event_id":"new \\"é","event_time":{TIMESTAMP}}}'.encode()
        assert second == Accepted("u", 'new "\u00e9', partial[:-1] + added)
        assert third == Rejected("missing:kind")
