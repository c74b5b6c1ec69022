"""The control record's changes that the tests of the exact rules do not reach."""

from dataclasses import replace
from typing import Any

import pytest

from core.control.changes import drop, first_control, publish, rollback
from schemas.control import Boundary, Control, Generation, LogIdentity
from schemas.errors import BadInput


def generation(name: str, end: int) -> Generation:
    return Generation(name, Boundary(end, {0: end}), "rules", 0)


def published(*made: tuple[str, int, bool]) -> Control:
    control = first_control(LogIdentity("c", "t", 1), {0: 0}, "rules")
    for name, end, activate in made:
        control = publish(control, generation(name, end), activate)
    return control


def ids(control: Control) -> list[str]:
    return [entry.id for entry in control.generations]


def test_one_that_was_kept_from_serving_stays_until_a_newer_one_comes_even_of_the_active_ones_boundary() -> None:
    control = drop(published(("a", 1, True), ("b", 2, True), ("refused", 2, False)), now=7)
    assert (control.active, ids(control)) == ("b", ["a", "b", "refused"])
    again = drop(publish(control, generation("refused too", 2), False), now=8)
    assert (ids(again), again.dropping) == (["a", "b", "refused too"], ("refused",))


def test_one_that_was_kept_from_serving_can_be_made_active_by_hand() -> None:
    control = rollback(drop(published(("a", 1, True), ("refused", 2, False)), now=7), "refused")
    assert (control.active, control.predecessor, control.held) == ("refused", "a", True)
    later = publish(replace(control, held=False), generation("c", 3), True)
    assert (later.active, later.predecessor) == ("c", "refused")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"epoch_start": Boundary(1, {0: 1})}, "ends below the start of the speed epoch"),
        ({"floor": {0: 1}}, "ends below the floor"),
        ({"forgotten": 1}, "holds users who were forgotten since"),
        ({"boundaries": (Boundary(1, {0: 1}),)}, "is no longer kept"),
    ],
)
def test_a_way_back_to_the_empty_generation_that_is_closed_calls_it_that(broken: Any, reason: str) -> None:
    with pytest.raises(BadInput, match=f"^the empty generation {reason}"):
        rollback(replace(published(("a", 1, True)), **broken), None)
