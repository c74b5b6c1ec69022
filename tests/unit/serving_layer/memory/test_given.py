"""Whole answers of one moment in memory."""

from serving_layer.memory.given import MOST_ANSWERS, MOST_BYTES, Given

WHOLE, LACKING = {"degraded": []}, {"degraded": ["model"]}
RULES = ("a rule",)


def test_a_whole_answer_is_given_again_to_the_same_question_alone() -> None:
    given = Given()
    given.keep(b"/a?n=1", RULES, WHOLE, b"{}")
    assert given.of(b"/a?n=1", RULES) == (WHOLE, b"{}")
    assert given.of(b"/a?n=2", RULES) is None


def test_an_answer_belongs_to_the_rules_it_was_made_under_whatever_their_address() -> None:
    given, rules = Given(), [0]
    for number in range(100):  # rules are read again and again, each time in the memory of those before
        rules = [number]
        assert given.of(b"/a", rules) is None
        given.keep(b"/a", rules, WHOLE, b"%d" % number)
        assert given.of(b"/a", rules) == (WHOLE, b"%d" % number)


def test_an_answer_that_lacks_a_part_or_is_large_is_computed_again() -> None:
    given = Given()
    given.keep(b"lacking", RULES, LACKING, b"{}")
    given.keep(b"large", RULES, WHOLE, bytes(MOST_BYTES + 1))
    assert given.of(b"lacking", RULES) is None
    assert given.of(b"large", RULES) is None


def test_no_more_than_so_many_are_kept() -> None:
    given = Given()
    for number in range(MOST_ANSWERS + 10):
        given.keep(b"%d" % number, RULES, WHOLE, b"{}")
    assert sum(given.of(b"%d" % number, RULES) is not None for number in range(MOST_ANSWERS + 10)) == MOST_ANSWERS
