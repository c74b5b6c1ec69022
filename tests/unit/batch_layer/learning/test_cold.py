"""Cold starts: which events are held back, and that what items are finds new ones where counts cannot."""

from dataclasses import replace

import numpy as np

from batch_layer.learning.asking import Question
from batch_layer.learning.cold import cold
from batch_layer.learning.held_out import FIRST, with_first, without_items, without_users
from batch_layer.learning.splits import COLD
from core.quality.ranking_quality import Interactions
from recommenders import TABLE, settings_of
from schemas.catalogue import Item
from schemas.rules import Rules


def tastes(users: int = 120, items: int = 60, events: int = 1_800) -> Interactions:
    """Users of six tastes, who mostly touch the ten items of theirs."""
    rng = np.random.default_rng(3)
    user, time = rng.integers(0, users, events), 1_700_000_000_000 + np.arange(events) * 60_000
    taste = np.where(rng.random(events) < 0.85, user % 6, rng.integers(0, 6, events))
    return Interactions(user, taste * 10 + rng.integers(0, 10, events), np.full(events, 1000), time, users, items)


EVENTS = tastes()
DESCRIBED = [Item(f"i{code}", title=f"group{code // 10} thing{code}") for code in range(EVENTS.items)]
WEIGHTS = {name: {"weight": float(name in ("similar", "popular"))} for name in TABLE}
FEW = settings_of({**WEIGHTS, "words": {"weight": 0, "text_model": "no such encoder"}})
NETWORKS = ("neumf", "item2vec", "two_tower", "sasrec", "gru4rec")
ASKED = Question(Rules(), FEW, protocol=COLD)


def pairs(events: Interactions) -> list[tuple[int, int, int]]:
    return list(zip(events.user.tolist(), events.item.tolist(), events.time.tolist(), strict=True))


def test_new_items_have_no_event_to_learn_from_and_users_who_touched_others() -> None:
    held = without_items(EVENTS, 1_000)
    new = np.flatnonzero(held.asked.candidates)
    assert len(new) == 6
    assert not np.isin(held.train.item, new).any()
    assert sorted(pairs(held.train) + pairs(held.test)) == sorted(pairs(EVENTS))
    for user, wanted in zip(held.asked.users.tolist(), held.asked.wanted, strict=True):
        assert set(wanted.tolist()) == set(held.test.item[held.test.user == user].tolist())
        assert (held.train.user == user).any()
    assert len(without_items(EVENTS, 5).asked.users) == 5


def test_of_new_users_the_first_events_alone_are_known() -> None:
    held = without_users(EVENTS, 1_000)
    assert not np.isin(held.asked.users, held.train.user).any()
    for first in FIRST:
        known = with_first(held, first)
        assert (np.diff(known.time) >= 0).all()
        for user, wanted in zip(held.asked.users[:10].tolist(), held.asked.wanted, strict=False):
            own = EVENTS.item[EVENTS.user == user]
            assert known.item[known.user == user].tolist() == own[:first].tolist()
            assert set(wanted.tolist()) == set(own[FIRST[-1] :].tolist()) - set(own[: FIRST[-1]].tolist())


def test_words_find_new_items_before_and_after_a_run_and_counts_do_not() -> None:
    report = cold(replace(EVENTS, records=DESCRIBED), ASKED)["new_items"]
    ndcg = {name: figures["ndcg@10"] for name, figures in report["models"].items()}
    assert ndcg["popularity"] == 0
    assert min(ndcg["tfidf"], ndcg["tfidf at once"]) > 1.2 * ndcg["random"]
    assert {"words", "picture"}.isdisjoint(ndcg)  # there is neither an encoder nor an index


def test_what_is_known_of_a_new_user_helps_beyond_popularity() -> None:
    report = cold(EVENTS, ASKED)
    figures = report["new_users"]["by_first_events"]
    assert list(figures) == [str(first) for first in FIRST]
    assert figures["0"]["models"]["similar"]["ndcg@10"] == 0
    assert figures["5"]["models"]["similar"]["ndcg@10"] > figures["5"]["models"]["popularity"]["ndcg@10"]
    assert figures["5"]["leads"]["blend"]["ndcg@10"] > 0
    assert set(report["new_items"]["models"]) == {"random", "popularity", "popularity afterwards"}


def test_where_nobody_can_be_judged_both_parts_say_why() -> None:
    nothing = EVENTS.before(0)
    report = cold(nothing, ASKED)
    assert "nothing to judge" in report["new_items"]["missing"]
    assert "nothing to judge" in report["new_users"]["missing"]


def test_sources_that_learned_nothing_of_new_items_or_users_are_named_with_the_reason() -> None:
    networks = {name: replace(ASKED.settings[name], fewest=10**6) for name in NETWORKS}
    report = cold(EVENTS, replace(ASKED, every_source=True, settings={**ASKED.settings, **networks}))
    assert report["new_items"]["without_list"] == {
        "tfidf": "no item has a catalogue record",
        "words": "no item has a catalogue record",
        "picture": "no pictures are indexed; run `millrace pictures index FOLDER`",
    }
    silent = report["new_users"]["by_first_events"]["5"]["without_list"]
    assert silent["mf"] == "all ratings are equal, so there is nothing to predict"
    assert all(silent[name].endswith("is 1,000,000") for name in NETWORKS)
    assert {"similar", "popular"}.isdisjoint(silent)
