"""The strict decoder: one RFC 8259 text or ``Malformed``, by the bytes alone (more cases: ``tests.kit.hostile``)."""

import json
import math
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.json.strict_json import MAX_NESTING, Malformed, decode, read_object
from schemas.event import MAX_VALUE_BYTES, Rejected

plain = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
strings = st.text(st.characters(exclude_categories=["Cs"]))
documents = st.recursive(
    plain | strings, lambda inner: st.lists(inner) | st.dictionaries(strings, inner), max_leaves=20
)


@given(documents, st.booleans())
def test_what_json_writes_it_reads_back(document: object, escaped: bool) -> None:
    assert decode(json.dumps(document, ensure_ascii=escaped).encode()) == document


@given(st.binary(max_size=40) | st.text('[]{}",:\\u0123eE+-.dD8fF nult', max_size=40).map(str.encode))
def test_any_bytes_are_decoded_or_malformed(value: bytes) -> None:
    try:
        json.dumps(decode(value)).encode()
    except Malformed:
        return


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_is_counted_to_exactly_the_limit(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    for depth, legal in ((MAX_NESTING, True), (MAX_NESTING + levels, False), (20_000, False)):
        text = opening * (depth // levels) + "1" + closing * (depth // levels)
        if legal:
            decode(text.encode())
        else:
            with pytest.raises(Malformed, match="nested"):
                decode(text.encode())


def test_only_brackets_outside_strings_nest() -> None:
    inside = json.dumps({'\\"[' * 300: '{["\\' * 300})
    assert decode(inside.encode()) == json.loads(inside)
    assert len(decode(b"[" + b"[],{}," * 2000 + b"1]")) == 4001  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [r'"\ud800"', r'"\uDFFF"', r'"\ud800\ud800\udc00"', r'"\ud800\udc00\udc00"', r'["\\\ud800"]', r'{"\udead":1}'],
)
def test_half_a_surrogate_pair_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        decode(text.encode())


@pytest.mark.parametrize(
    ("text", "meant"),
    [(r'"\ud800\udc00"', "\U00010000"), (r'"\\ud800"', r"\ud800"), (r'"\\\ud83d\uDE00"', "\\\U0001f600")],
)
def test_a_whole_surrogate_pair_and_an_escaped_backslash_are_legal(text: str, meant: str) -> None:
    assert decode(text.encode()) == meant


def test_numbers_of_any_length_are_read() -> None:
    digits = sys.get_int_max_str_digits() + 1
    assert decode(b"9" * digits) == math.inf
    assert decode(b"-" + b"9" * digits) == -math.inf
    assert decode(b"0." + b"1" * digits) == pytest.approx(1 / 9)
    assert decode(b"999999999999999999") == 999_999_999_999_999_999
    assert decode(b"1e999") == math.inf


def test_the_value_of_a_record_is_an_object() -> None:
    assert read_object(b' {"a": 1, "a": 2} ') == {"a": 2}
    for value in (None, b"", b"[]", b"1", b"null", b'"{}"', b"\xef\xbb\xbf{}"):
        assert read_object(value) == Rejected("malformed")
    assert read_object(b"{}" + b" " * (MAX_VALUE_BYTES - 2)) == {}
    assert read_object(b"{}" + b" " * (MAX_VALUE_BYTES - 1)) == Rejected("oversize")


HOSTILE_UNITS = [b'"', b'\\"', b'"\\', b"[", b"[]", b'{"":', b"\\", b"\\ud800", b"9", b"1.", b'"[",', b'[]\\"', b" "]


@pytest.mark.parametrize("unit", HOSTILE_UNITS)
@pytest.mark.parametrize("opening", [b"", b'"', b"[", b'{"a":"'])
def test_no_64_kib_take_long(opening: bytes, unit: bytes) -> None:
    value = (opening + unit * MAX_VALUE_BYTES)[:MAX_VALUE_BYTES]
    begin = time.process_time()
    read_object(value)
    assert time.process_time() - begin < 0.5
