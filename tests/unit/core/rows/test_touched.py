"""Lists of the rows that an attempt wrote."""

from hypothesis import given
from hypothesis import strategies as st

from core.rows.touched import Carried, Touched, pack_touched, unpack_touched
from core.rows.views import PAIRS, SEEN

keys = st.lists(st.binary(max_size=1_024), unique=True)
views = st.sampled_from([PAIRS, SEEN])


@given(keys=keys, view=views)
def test_a_list_gives_the_view_and_the_keys_back(keys: list[bytes], view: str) -> None:
    assert unpack_touched(pack_touched(view, keys)[1]) == Touched(view, keys)


@given(rows=st.dictionaries(st.binary(max_size=1_024), st.binary(max_size=70_000)), view=views, segment=st.integers(0))
def test_a_list_gives_back_what_it_carries_and_is_read_by_what_knows_keys_alone(
    rows: dict[bytes, bytes], view: str, segment: int
) -> None:
    segment %= 2**63
    listed = Touched(view, [*rows], Carried(segment, [*rows.values()]))
    _, value = pack_touched(*listed)
    assert unpack_touched(value) == listed
    assert value.startswith(pack_touched(view, [*rows])[1])


def test_lists_of_other_rows_have_other_keys_and_a_repeated_one_has_the_same() -> None:
    lists = [(PAIRS, [b"a"]), (PAIRS, [b"b"]), (SEEN, [b"a"]), (PAIRS, [b"a", b"b"])]
    assert len({pack_touched(*rows)[0] for rows in [*lists, *lists]}) == len(lists)


def test_lists_of_the_same_rows_in_two_segments_are_two_and_a_task_that_runs_twice_leaves_one() -> None:
    lists = [Carried(segment, [change]) for segment in (1, 2) for change in (b"once", b"again")]
    assert len({pack_touched(PAIRS, [b"a"], carried)[0] for carried in lists}) == 2
