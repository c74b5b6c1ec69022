"""Which events a walk asks about, and what counts before each: worked by hand."""

import numpy as np

from core.quality.ranking_quality import Interactions
from millrace.judging.walk import Asked, asked, default_period, earlier, is_new, retrains
from schemas.event import REMOVE

MINUTE = 60_000


def events(*rows: tuple[int, int, int]) -> Interactions:
    """(user, item, weight), a minute apart."""
    user, item, weight = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Interactions(user, item, weight, np.arange(len(rows)) * MINUTE, int(user.max()) + 1, int(item.max()) + 1)


LOG = events(
    (0, 0, 1), (1, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, REMOVE), (1, 0, 1), (2, 0, 1), (0, 2, 1),
    # the last fifth of eleven begins with the event of index 8
    (0, 0, 1), (3, 1, 1), (1, 1, 1),
)  # fmt: skip


def test_what_was_known_before_an_event_is_counted() -> None:
    assert earlier(LOG.user).tolist() == [0, 0, 1, 2, 3, 1, 0, 4, 5, 0, 2]
    assert earlier(LOG.item).tolist() == [0, 0, 1, 1, 2, 3, 4, 0, 5, 2, 3]


def test_an_item_is_new_to_who_never_had_it_or_retracted_it() -> None:
    assert is_new(LOG).tolist() == [True, True, True, False, False, True, True, True, True, True, False]


def shown(ask: Asked) -> list[tuple[int, bool, int, int]]:
    columns = ask.event, ask.judged, ask.user_events, ask.item_events
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_asked_about_are_new_items_of_the_last_fifth_and_judged_those_of_known_users() -> None:
    assert asked(LOG, seen_again=False).begin == 8
    assert shown(asked(LOG, seen_again=False)) == [(8, True, 5, 5), (9, False, 0, 2)]
    assert shown(asked(LOG, seen_again=True)) == [(8, True, 5, 5), (9, False, 0, 2), (10, True, 2, 3)]


def test_more_than_the_most_are_drawn_evenly_and_always_the_same() -> None:
    rng = np.random.default_rng(1)
    many = events(
        *((int(u), int(i), 1) for u, i in zip(rng.integers(0, 50, 3_000), rng.integers(0, 400, 3_000), strict=True))
    )
    few, all_of_them = asked(many, False, 100), asked(many, False, 10_000)
    assert int(few.judged.sum()) == 100
    assert set(few.event[few.judged]) < set(all_of_them.event[all_of_them.judged])
    assert (asked(many, False, 100).event == few.event).all()


def test_generations_are_made_at_the_cut_and_every_so_often() -> None:
    assert list(retrains(LOG, 8, None)) == [(8 * MINUTE, 8)]
    assert list(retrains(LOG, 8, MINUTE)) == [(8 * MINUTE, 8), (9 * MINUTE, 9), (10 * MINUTE, 10)]
    assert list(retrains(LOG, 2, 3 * MINUTE)) == [(2 * MINUTE, 2), (5 * MINUTE, 5), (8 * MINUTE, 8)]
    assert default_period(LOG, 0) == 10 * MINUTE // 30
