"""Every reason for which the gate refuses a generation, over real views, and that a sound one passes."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from adapters.records.books import generation_book
from adapters.stores import ViewStore, open_store
from batch_layer.gate.drift import drift, kept, ratios
from batch_layer.gate.sample_check import Check, check, recomputed
from batch_layer.gate.verdict import Case, Limits, Verdict, verdict
from core.fold.slow import SlowView
from core.rows.codec import (
    ItemSeen,
    pack_item,
    pack_norm,
    pack_seen,
    pack_sums,
    unpack_history,
    unpack_norm,
    unpack_seen,
    unpack_sums,
)
from core.rows.views import COUNTS, HISTORY, ITEMS, NORMS, PAIRS, SEEN
from schemas.event import STORED_COLUMNS
from schemas.metrics import measured
from schemas.rules import Rules
from tests.kit.folding import fold_into
from tests.kit.streams import rating_shop

LIMITS = Limits(margin=0.2, users=100, shrink=0.1)
KINDS = {"w1000": 1.0, "w2000": 2.0, "w5000": 5.0, "w-1": "remove"}
RULES = Rules(kinds=KINDS, history_items=6, remembered_ids=8, partitions=2)
BOOK = generation_book("new")


@pytest.fixture
def views(tmp_path: Path) -> Iterator[ViewStore]:
    """A generation's views, in SQLite."""
    store = open_store(f"sqlite:///{tmp_path / 'b.sqlite'}")
    store.put(BOOK, fold_into({}, rating_shop(n=400), RULES))
    yield store
    store.close()


def slow() -> SlowView:
    rows = [
        {name: asdict(event)[name] for name in STORED_COLUMNS.names} | {"kind": f"w{event.weight}"}
        for event in rating_shop(n=400)
    ]
    return recomputed(pa.Table.from_pylist(rows), RULES)


def checked(views: ViewStore) -> Check:
    return check(slow(), ["i03", "i07"], views, "new")


def judged(ndcg: float, users: int = 500) -> dict[str, Any]:
    return {"models": {}, "blend": {"users": users, "ndcg@10": ndcg}}


def metrics(events: int = 1000, items: int = 50, users: int = 200, **evaluation: Any) -> dict[str, Any]:
    return {"events": events, "rows": {"items": items, "history": users}, "evaluation": judged(**evaluation)}


def pair(new: float, high: float = -0.001, users: int = 500) -> dict[str, Any]:
    """Of a generation beside an active one of 0.1 on the same question."""
    return {"paired": {"users": users, "new": new, "active": 0.1, "difference": [new - 0.11, high]}}


def judge(new: dict[str, Any], active: dict[str, Any] | None, **case: Any) -> Verdict:
    return verdict(measured(new), None if active is None else measured(active), Case(**case), LIMITS)


def refused(new: dict[str, Any], active: dict[str, Any] | None, same_rules: bool = True, *wrong: str) -> list[str]:
    return list(judge(new, active, same_rules=same_rules, mismatches=wrong).reasons)


def test_sound_sums_pass_and_were_compared(views: ViewStore) -> None:
    result = checked(views)
    assert result.mismatches == []
    assert result.compared > 100
    assert {what.split()[0] for what in broken(views)} == {"norm", "pair", "count", "history", "items", "category"}


def broken(views: ViewStore) -> list[str]:
    """The mismatches after one row of each view was changed."""
    norm = views.read(BOOK, NORMS, [b"i03"])[b"i03"]
    pair = unpack_sums(views.read(BOOK, PAIRS, [b"i07"])[b"i07"])
    bucket, counts = next((k, unpack_sums(v)) for k, v in views.scan(BOOK, COUNTS) if b"i03" in unpack_sums(v))
    del counts[b"i03"]
    user, history = next((k, v) for k, v in views.scan(BOOK, HISTORY) if len(unpack_history(v).entries) > 2)
    seen = unpack_seen(views.read(BOOK, SEEN, [user])[user])
    first = min(seen)
    other = next(v for k, v in views.scan(BOOK, HISTORY) if k != user and v != history)
    views.put(BOOK, {
        (NORMS, b"i03"): pack_norm(unpack_norm(norm) + 1),
        (PAIRS, b"i07"): pack_sums((name, n + 1) for name, n in pair.items()),
        (COUNTS, bucket): pack_sums(counts.items()),
        (HISTORY, user): other,
        (ITEMS, b"i07"): pack_item(ItemSeen(1, 2, 3, "other")),
        (SEEN, user): pack_seen((name, word + (name == first), touches) for name, (word, touches) in seen.items()),
    })  # fmt: skip
    return checked(views).mismatches


def test_a_generation_whose_sums_fail_is_refused_even_as_the_first(views: ViewStore) -> None:
    views.delete(BOOK, NORMS, [b"i03"])
    wrong = checked(views).mismatches
    assert len(wrong) == 1
    [reason] = refused(metrics(ndcg=0.1), None, True, *wrong)
    assert reason.startswith("sums differ from the slow recompute, first: norm of i03: expected ")
    assert refused(metrics(ndcg=0.1), None) == []


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ({"events": 0}, "it holds 0 events, the active one 1,000"),
        ({"events": 899}, "it holds 899 events, the active one 1,000: fewer by more than gate_shrink 0.1"),
        ({"items": 44}, "it holds 44 items, the active one 50"),
        ({"users": 100}, "it holds 100 users, the active one 200"),
    ],
)
def test_an_empty_and_a_shrunken_one_are_refused(new: dict[str, Any], reason: str) -> None:
    given = {"ndcg": 0.1} | new
    reasons = refused(metrics(**given), metrics(ndcg=0.1))
    assert len(reasons) == 1
    assert reasons[0].startswith(reason)


def test_one_that_ranks_worse_on_the_same_question_is_refused() -> None:
    new, active = metrics(ndcg=0.1), metrics(ndcg=0.1)
    new["evaluation"] |= pair(0.079)
    [reason] = refused(new, active)
    assert reason.startswith(
        "NDCG@10 on the active generation's held-out part is 0.0790, the active one's 0.1000 (500 "
    )
    for passing in (pair(0.081), pair(0.01, high=0.001), pair(0.01, users=99)):  # margin, chance, too few users
        assert refused(new | {"evaluation": new["evaluation"] | passing}, active) == []
    assert refused(new, active, False) == []  # other kinds or weights: another task


def test_data_that_became_harder_to_predict_are_a_warning_and_no_refusal() -> None:
    new, active = metrics(ndcg=0.079), metrics(ndcg=0.1)
    verdict = judge(new, active)
    assert verdict.reasons == ()
    [warning] = verdict.warnings
    assert warning.startswith("NDCG@10 on its own time split fell from 0.1000 to 0.0790, where the model is no worse")
    assert verdict.shown(True) == {"passed": True, "reasons": [], "warnings": [warning]}
    assert judge(metrics(ndcg=0.081), active).warnings == ()
    assert judge(metrics(ndcg=0.01) | {"evaluation": judged(0.01, users=99)}, active).warnings == ()
    new["evaluation"] |= pair(0.079)
    assert (len(judge(new, active).reasons), judge(new, active).warnings) == (1, ())  # a worse model says it all


def test_erasure_depends_on_no_ranking_but_never_on_wrong_sums() -> None:
    """Of 1,000 events 300 are a forgotten user's, with items that nobody else touched."""
    new, active = metrics(events=700, items=30, users=150, ndcg=0.01), metrics(ndcg=0.1)
    new["evaluation"] |= pair(0.01)
    assert len(judge(new, active).reasons) == 4
    gone = judge(new, active, forgets=1, erased=300)
    assert gone.reasons == ()
    assert len(gone.overruled) == 1
    assert "worse by more than gate_margin" in gone.shown(True)["overruled"][0]
    [wrong] = judge(new, active, forgets=1, erased=300, mismatches=["norm of i03"]).reasons
    assert wrong.startswith("sums differ from the slow recompute")
    [lost] = judge(new | {"events": 600}, active, forgets=1, erased=300).reasons
    assert lost.startswith("it holds 600 events, the active one 700 less 300 of forgotten users: fewer by more than")


def test_within_the_limits_it_passes_and_so_does_what_cannot_be_compared() -> None:
    active = metrics(ndcg=0.1)
    assert refused(metrics(events=901, items=45, users=181, ndcg=0.081), active) == []
    assert refused(metrics(ndcg=0.01) | {"evaluation": {}}, active) == []
    assert refused(metrics(ndcg=0.01), {"events": 1000}) == []
    # Other kinds or weights: fewer items and another task, but the events are the same ones.
    assert refused(metrics(items=5, ndcg=0.01), active, False) == []
    assert len(refused(metrics(events=5, ndcg=0.01), active, False)) == 1


def test_drift_is_the_share_of_neighbours_and_popular_items_that_stayed(views: ViewStore) -> None:
    views.put(generation_book("same"), fold_into({}, rating_shop(n=400), RULES))
    views.put(generation_book("other"), fold_into({}, rating_shop(seed=9, n=400), RULES))
    probes = [f"i{k:02d}".encode() for k in range(30)]
    assert drift(views, "same", "new", probes) == {"against": "same", "neighbours_kept": 1.0}
    assert 0.1 < drift(views, "other", "new", probes)["neighbours_kept"] < 0.9
    assert drift(views, "gone", "new", probes)["neighbours_kept"] is None
    assert kept(["a", "b", "c", "d"], ["d", "a", "x"]) == 0.5
    assert kept([], ["a"]) is None
    assert ratios({"items": 4, "norms": 0}, {"items": 3}) == {"items": 0.75}
