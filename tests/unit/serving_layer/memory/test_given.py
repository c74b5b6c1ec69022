"""Whole answers of one moment in memory."""

from serving_layer.memory.given import MOST_ANSWERS, MOST_BYTES, Given

WHOLE, LACKING = {"degraded": []}, {"degraded": ["model"]}


def test_a_whole_answer_is_given_again_to_the_same_question_alone() -> None:
    given = Given()
    given.keep(b"/a?n=1", WHOLE, b"{}")
    assert given.of(b"/a?n=1") == (WHOLE, b"{}")
    assert given.of(b"/a?n=2") is None


def test_an_answer_that_lacks_a_part_or_is_large_is_computed_again() -> None:
    given = Given()
    given.keep(b"lacking", LACKING, b"{}")
    given.keep(b"large", WHOLE, bytes(MOST_BYTES + 1))
    assert given.of(b"lacking") is None
    assert given.of(b"large") is None


def test_no_more_than_so_many_are_kept() -> None:
    given = Given()
    for number in range(MOST_ANSWERS + 10):
        given.keep(b"%d" % number, WHOLE, b"{}")
    assert sum(given.of(b"%d" % number) is not None for number in range(MOST_ANSWERS + 10)) == MOST_ANSWERS
