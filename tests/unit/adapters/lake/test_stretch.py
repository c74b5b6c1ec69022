"""A stretch of the lake is shared out file by file, evenly, and nothing of it twice."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.lake.files import BYTES_PER_EVENT, LakeFile, Stretch
from schemas.rules import Rules

sizes = st.lists(st.integers(0, 1_000), max_size=30)


def stretch(sizes: list[int], end: int = 10**9, start: int = 0) -> Stretch:
    files = tuple(LakeFile(f"file:/lake/{n}", size) for n, size in enumerate(sizes))
    return Stretch(files, {0: start}, {0: end}, {}, Rules())


@given(sizes, st.integers(1, 8))
def test_every_file_is_in_one_share_and_none_is_heavier_than_another_by_more_than_a_file(
    sizes: list[int], count: int
) -> None:
    shares = stretch(sizes).shares(count)
    assert 1 <= len(shares) <= count
    assert sorted(file.uri for share in shares for file in share.files) == sorted(f.uri for f in stretch(sizes).files)
    heavy = [sum(file.size for file in share.files) for share in shares]
    assert max(heavy) - min(heavy) <= max(sizes, default=0)


def test_the_most_events_there_can_be_is_known_by_files_and_by_offsets() -> None:
    assert stretch([400 * BYTES_PER_EVENT, 100 * BYTES_PER_EVENT]).most == 500
    assert stretch([400 * BYTES_PER_EVENT], end=90, start=70).most == 20
    assert stretch([]).most == 0
