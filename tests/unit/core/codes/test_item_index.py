"""Codes of item names: without gaps, never changed, and the same for all threads."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from core.codes.item_index import UNKNOWN, ItemIndex


@given(st.lists(st.lists(st.binary(max_size=3), max_size=20), max_size=5))
def test_codes_have_no_gaps_and_never_change(additions: list[list[bytes]]) -> None:
    index, known = ItemIndex(), dict[bytes, int]()
    for names in additions:
        known |= dict(zip(names, index.codes(names).tolist(), strict=True))
        assert {name: index.code(name) for name in known} == {name: index.find(name) for name in known} == known
        assert sorted(known.values()) == list(range(len(index)))
        assert all(index.names[code] == name for name, code in known.items())


def test_looking_for_a_name_gives_it_no_code() -> None:
    index = ItemIndex([b"a"])
    assert (index.find(b"b"), len(index)) == (UNKNOWN, 1)


def test_threads_that_add_the_same_names_get_the_same_codes() -> None:
    index, names, answers = ItemIndex(), [b"%d" % k for k in range(3_000)], list[list[int]]()
    threads = [threading.Thread(target=lambda: answers.append(index.codes(names).tolist())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer == [index.find(name) for name in names] for answer in answers)
    assert sorted(index.names) == sorted(names)
