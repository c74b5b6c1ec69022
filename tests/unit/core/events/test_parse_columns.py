"""The columnar parser gives each record the answer of ``parse_event``, in order; by properties."""

import json
import random
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events.acceptance import standing_weight
from core.events.parse import parse_columns, weights
from core.partitions.partitioner import partition_of
from schemas.event import Record
from schemas.rules import DEFAULT_KINDS, Rules
from tests.kit.hostile import TIMESTAMP, USER, Hostile, encoded, good, hostile
from tests.kit.parsers import assert_agreement, batch_of
from tests.kit.search import TIMES

RULES = Rules()
CRC = Rules(kinds={**DEFAULT_KINDS, "play": 0.25, "stars": "value"}, partitioner="crc32", partitions=5)


def at_home(value: bytes | None, offset: int, rules: Rules, key: bytes = USER.encode()) -> Record:
    return Record("events", partition_of(key, rules.partitioner, rules.partitions), offset, TIMESTAMP, key, value)


@pytest.mark.parametrize("rules", [RULES, CRC])
def test_hostile_and_good_records_mixed_keep_their_order(rules: Rules) -> None:
    cases = [case.record(rules, offset) for offset, case in enumerate(hostile())]
    records = [record for case in cases for record in (case, at_home(encoded(good()), case.offset, rules))]
    assert_agreement(records, rules)
    assert_agreement(records[5:50], rules, batch_of(records).slice(5, 45))


@given(st.lists(st.tuples(st.sampled_from([*CRC.kinds, "retired"]), st.none() | st.floats(-1, 2e6))))
def test_what_the_lake_holds_weighs_the_same_one_by_one_and_by_columns(stored: list[tuple[str, float | None]]) -> None:
    kinds, values = pa.array([kind for kind, _ in stored], pa.string()), pa.array([v for _, v in stored], pa.float64())
    assert weights(kinds, values, CRC)[0].tolist() == [standing_weight(kind, value, CRC) for kind, value in stored]


def test_batches_of_none_all_good_and_all_bad() -> None:
    for records in ([], [at_home(encoded(good()), 1, RULES)], [at_home(None, 1, RULES)]):
        assert_agreement(records, RULES)
    assert_agreement([at_home(encoded(good()), 1, RULES)], Rules(kinds={}))


texts = st.text(max_size=6) | st.sampled_from(
    ["", "a\0", "x" * 128, "x" * 129, "\U0001f600" * 256, "é" * 257, "\x85", "\ud800"]
)
numbers = (
    st.integers() | st.floats() | st.sampled_from([0.001, 0.0005, 1e6, 1e6 + 1, -0.0, 10**400, 2**63, 10**18, 0.0025])
)
scalars = st.none() | st.booleans() | numbers | texts
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2))
times = st.integers(TIMESTAMP + 86_399_998, TIMESTAMP + 86_400_002) | st.sampled_from(
    ["2024-02-29T00:00:00Z", "2025-01-01t00:00:00.9999z", "2025-01-01T00:00:00+24:00", "2025-01-01 00:00:00Z", 1.75e12]
)
likely = {
    "event_id": texts,
    "event_time": times,
    "kind": st.sampled_from([*DEFAULT_KINDS, "play", "stars", "VIEW", ""]),
    "user_id": st.sampled_from([USER, "user-2", "\U0001f600", "a/b"]) | texts,
    "item_id": texts,
    "value": numbers,
    "category": texts,
    "source": texts,
    "context": st.dictionaries(texts, scalars, max_size=2),
    "unknown": anything,
}
changes = st.fixed_dictionaries({}, optional={name: field | anything for name, field in likely.items()})


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """A good event with some fields changed, as JSON in one of several spellings."""
    members = good(**draw(changes)) if draw(st.booleans()) else draw(changes)
    pretty = draw(st.booleans())
    text = json.dumps(members, ensure_ascii=draw(st.booleans()), indent=1 if pretty else None, sort_keys=pretty)
    return text.encode("utf-8", "surrogatepass")


@st.composite
def logged(draw: st.DrawFn, value: st.SearchStrategy[bytes | None]) -> Record:
    """A record that mostly has the key of its value and mostly lies in that key's partition."""
    raw = draw(value)
    try:
        own = json.loads(raw or b"")["user_id"].encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        own = USER.encode()
    key = draw(st.sampled_from([own, own, own, USER.encode(), None, b"", b"\xff"]))
    home = partition_of(key or b"", "murmur2", 4)
    partition = draw(st.sampled_from([home, home, home, partition_of(key or b"", "crc32", 5), 3]))
    timestamp = draw(st.sampled_from([TIMESTAMP, TIMESTAMP, -1, 2**62, -(2**63), 2**63 - 1]))
    return Record("events", partition, draw(st.integers(0, 2**62)), timestamp, key, raw)


@settings(max_examples=100 * TIMES, deadline=None)
@given(st.lists(logged(values() | st.none()), max_size=8), st.sampled_from([RULES, CRC]))
def test_both_parsers_agree_on_any_fields(records: list[Record], rules: Rules) -> None:
    assert_agreement(records, rules)


@settings(deadline=None)
@given(st.lists(st.floats(0.0005, 1_000_001) | st.integers(0, 20).map(lambda half: half / 2000), max_size=20))
def test_both_parsers_agree_on_ratings(ratings: list[float]) -> None:
    assert_agreement([at_home(encoded(good(value=rating)), 0, RULES) for rating in ratings], RULES)


TOKENS = [
    b"\\ud800",
    b"\\udc00",
    b"\\ud83d\\ude00",
    b"\\u0000",
    b"\\n",
    b"\\x",
    b"\\",
    b'"',
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
]
TOKENS += [
    b"\xef\xbb\xbf",
    b"\x00",
    b"\x1f",
    b"\x7f",
    b"\n",
    b"\r",
    b"\x0b",
    b"\x0c",
    b"\xc2\xa0",
    b"NaN",
    b"Infinity",
    b"-",
    b"+",
]
TOKENS += [
    b"0",
    b"01",
    b".",
    b"1.",
    b"e",
    b"E+",
    b"1e999",
    b"9" * 400,
    b"9" * 4400,
    b"[" * 127,
    b"[" * 129,
    b"]" * 127,
    b"{",
    b"}",
]
TOKENS += [
    b",",
    b":",
    b'"x":',
    b'"value":1,',
    b'"user_id":"user-1",',
    b"null",
    b"true",
    b"//",
    b"\xf0\x9f\x98\x80",
    b" ",
]


def mangled(chance: random.Random) -> bytes:
    """A good event with one to three splices of nasty bytes."""
    raw = encoded(good(unknown={"a": ["é", "\\", 1.5e3, -1, True]}))
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice([0, 0, 1, 2, 5, 20]))
        raw = raw[:start] + chance.choice([*TOKENS, b""]) + raw[end:]
    return raw


@pytest.mark.parametrize("seed", range(4))
def test_both_parsers_agree_on_mangled_bytes(seed: int) -> None:
    chance = random.Random(seed)
    assert_agreement([at_home(mangled(chance), offset, RULES) for offset in range(5_000)], RULES)


@pytest.mark.parametrize("case", hostile(), ids=lambda case: case.name)
def test_no_record_takes_long(case: Hostile) -> None:
    parse_columns(batch_of([at_home(encoded(good()), 0, RULES)]), RULES)  # compiled by now
    batch = batch_of([case.record(RULES)])
    begin = time.process_time()
    parse_columns(batch, RULES)
    assert time.process_time() - begin < 1.0
