"""Lists of the rows that an attempt wrote."""

from hypothesis import given
from hypothesis import strategies as st

from core.rows.touched import pack_touched, unpack_touched
from core.rows.views import PAIRS, SEEN

keys = st.lists(st.binary(max_size=1_024), unique=True)


@given(keys=keys, view=st.sampled_from([PAIRS, SEEN]))
def test_a_list_gives_the_view_and_the_keys_back(keys: list[bytes], view: str) -> None:
    assert unpack_touched(pack_touched(view, keys)[1]) == (view, keys)


def test_lists_of_other_rows_have_other_keys_and_a_repeated_one_has_the_same() -> None:
    lists = [(PAIRS, [b"a"]), (PAIRS, [b"b"]), (SEEN, [b"a"]), (PAIRS, [b"a", b"b"])]
    assert len({pack_touched(*rows)[0] for rows in [*lists, *lists]}) == len(lists)
