"""The outline of a text agrees with the text decoded, and with the slow look for its nesting."""

import json
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.json import strict_json
from core.json.outline import CHUNK_BYTES, Outline, commas, outline
from core.json.strict_json import MAX_NESTING, Malformed, decode
from schemas.errors import Unprocessable
from schemas.rules import Rules
from serving_layer.routes.bodies import WishBody, read_body
from serving_layer.routes.ingest import MAX_ENTRIES, read_interactions, read_items

MEBIBYTE = 1 << 20
strings = st.text(st.sampled_from('[]{},:"\\ a\n'), max_size=6)
documents = st.recursive(
    st.none() | st.integers() | strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
    max_leaves=20,
)


def depth(document: object) -> int:
    """How deep arrays and objects stand inside one another."""
    if not isinstance(document, list | dict):
        return 0
    return 1 + max(map(depth, document.values() if isinstance(document, dict) else document), default=0)


def values(document: object) -> int:
    """How many values it has, itself included."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return 1 + sum(map(values, inner))


@given(documents, st.sampled_from([None, 1, "\t"]))
def test_entries_and_depth_are_those_of_the_document(document: object, indent: int | str | None) -> None:
    text = json.dumps(document, indent=indent).encode()
    entries = max(1, len(document)) if isinstance(document, list) else 1
    shape = outline(text, 100, 100)
    assert (shape.entries, shape.depth) == (entries, depth(document))
    assert values(document) <= shape.values <= 2 * values(document)


@given(st.lists(documents, min_size=1, max_size=6), st.sampled_from([None, 1, "\t"]))
def test_the_commas_between_entries_are_found_where_they_are(entries: list[object], indent: int | str | None) -> None:
    text = json.dumps(entries, indent=indent).encode()
    bounds = [0, *commas(text, 100), len(text) - 1]
    assert [json.loads(text[start + 1 : end]) for start, end in pairwise(bounds)] == entries


@pytest.mark.parametrize("around", range(CHUNK_BYTES - 3, CHUNK_BYTES + 3))
def test_a_string_or_a_bracket_may_stand_across_two_chunks(around: int) -> None:
    text = b"[" + b" " * around + b'"],[[",[[1]],{}]'
    assert outline(text, 100, 100) == Outline(3, 3, 7)


@given(
    st.text('[]{}",:\\u12 a', max_size=60).map(str.encode)
    | documents.map(lambda document: json.dumps(document).encode())
)
def test_columns_and_the_slow_look_decide_alike(text: bytes) -> None:
    text = b"[" * 100 + text + b"]" * 100

    def decided(long: int) -> object:
        strict_json.LONG, before = long, strict_json.LONG
        try:
            return decode(text)
        except Malformed:
            return Malformed
        finally:
            strict_json.LONG = before

    assert decided(0) == decided(10**9)


@pytest.mark.parametrize("entry", [b"{}", b'""', b"[[]]", b'"\\",\\\\"'])
def test_a_list_of_millions_is_refused_without_being_decoded(entry: bytes) -> None:
    body = b"[" + b",".join([entry] * (4 * MEBIBYTE // len(entry))) + b"]"
    started = time.process_time()
    with pytest.raises(Unprocessable, match="more than 1,000 entries"):
        read_interactions(body, Rules(), 1_760_000_000_000, str)
    refused = time.process_time() - started
    started = time.process_time()
    json.loads(body)
    assert refused < time.process_time() - started


def test_as_many_entries_as_are_allowed_are_judged() -> None:
    assert outline(b"[" + b"1," * (MAX_ENTRIES - 1) + b"1]", MAX_ENTRIES, MAX_NESTING).entries == MAX_ENTRIES
    assert outline(b"[" + b"1," * MAX_ENTRIES + b"1]", MAX_ENTRIES, MAX_NESTING).entries > MAX_ENTRIES


def _read_events(body: bytes) -> object:
    return read_interactions(body, Rules(), 1_760_000_000_000, str)


def _read_wish(body: bytes) -> object:
    return read_body(WishBody, body)


@pytest.mark.parametrize("read", [_read_events, read_items, _read_wish])
@pytest.mark.parametrize("filling", [b"{},", b"1,", b"[],"])
def test_a_body_of_very_many_small_values_is_refused_without_decoding_them(
    read: Callable[[bytes], object], filling: bytes
) -> None:
    body = b'{"context":{"a":[' + filling * (4 * MEBIBYTE // len(filling)) + b"0]}}"
    tracemalloc.start()
    try:
        with pytest.raises(Unprocessable):
            read(body)
        assert tracemalloc.get_traced_memory()[1] < 40 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_an_oversize_entry_is_named_and_those_beside_it_are_taken() -> None:
    good = json.dumps({"kind": "view", "user_id": "u", "item_id": 'i,\\"]', "event_id": "e"})
    posted = read_interactions(
        f'[{good} , {{"x": "{"y" * 70_000}"}},\n{good}]'.encode(), Rules(), 1_760_000_000_000, str
    )
    assert (len(posted.records), posted.rejected) == (2, [{"index": 1, "reason": "oversize"}])


@pytest.mark.parametrize("body", [b"[", b"[]", b"[1,]", b"[,1]", b"[1]]", b"[[1]", b"[1] 2", b'["]', b"[1 2]", b""])
def test_an_array_that_is_none_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Unprocessable):
        read_items(body.replace(b"1", b'{"item_id": "i"}'))
