"""Duplicates have no effect but are counted, exactly, wherever the log is cut, and a person gets to see them."""

import itertools
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

from adapters.records.control import change_control
from adapters.settings import Settings
from adapters.stores import open_store
from core.fold.slow import SlowView
from core.rows.codec import Facts, unpack_facts
from core.rows.views import FACTS, FACTS_KEY
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers.status import status
from serving_layer.reading.views import Views
from serving_layer.routes.ingest import read_interactions
from tests.kit.folding import Rows, fold_into
from tests.kit.small_lambda import SmallLambda, placed

RULES = Rules()
START = 1_760_000_000_000


def orders(number: int, lines: int = 3) -> list[Event]:
    """Purchases whose event id is the order's number: one user, one order, several items."""
    return [
        Event(
            0,
            k,
            START + k,
            f"order-{k // lines}",
            START + k,
            "purchase",
            f"u{k // lines % 5}",
            f"i{k}",
            None,
            5000,
            None,
        )
        for k in range(number * lines)
    ]


def facts(rows: Rows) -> Facts:
    return unpack_facts(rows[FACTS, FACTS_KEY])


def test_an_order_number_as_event_id_makes_all_lines_but_the_first_duplicates_in_fold_and_slow_twin() -> None:
    slow = SlowView()
    for event in orders(4):
        slow.take(event, RULES)
    folded = facts(fold_into({}, orders(4), RULES))
    assert (folded.events, folded.duplicates) == (slow.events, slow.duplicates) == (4, 8)


def test_a_fold_of_nothing_but_duplicates_counts_them_and_changes_no_other_row() -> None:
    before = fold_into({}, orders(2), RULES)
    after = fold_into(before, orders(2), RULES)
    assert facts(after) == replace(facts(before), duplicates=4 + 6)
    assert {at: row for at, row in after.items() if at[0] != FACTS} == {
        at: row for at, row in before.items() if at[0] != FACTS
    }


def test_facts_of_before_duplicates_were_counted_can_be_read() -> None:
    assert unpack_facts(b'{"as_of": 5, "events": 1, "oldest_bucket": null, "rejected": {}}').duplicates == 0


def test_status_counts_the_duplicates_of_generation_and_segments_and_names_the_remedy(tmp_path: Path) -> None:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed([*orders(4), *orders(4)], RULES))
    world.begin()
    ends = [1, 7, 12, 18, 24]  # the last two micro-batches are nothing but duplicates
    for first, end in itertools.pairwise([0, *ends]):
        world.run_speed(end)
        if first == 1:
            world.run_batch(end)
    report = status(Views(batch, speed), Settings(home=tmp_path), None, START)
    assert (report["events"], report["duplicates"]) == (4, 20)
    [message] = [text for text in report["messages"] if "duplicates" in text]
    assert message.startswith("20 of 24 accepted events are duplicates without effect")
    assert "If the id is an order number" in message
    assert "give each line an id of its own" in message
    batch.close()
    speed.close()


def test_status_knows_no_number_of_duplicates_in_views_of_an_earlier_version(tmp_path: Path) -> None:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed(orders(2), RULES))
    world.begin()
    world.run_speed(1)
    settings = Settings(home=tmp_path)
    current = replace(settings.rules, partitions=RULES.partitions)
    for fingerprint, expected in ((current.fingerprint(), 0), *((old, None) for old in current.earlier_fingerprints())):
        change_control(batch, partial(replace, fingerprint=fingerprint))
        assert status(Views(batch, speed), settings, None, START)["duplicates"] == expected
    batch.close()
    speed.close()


def test_a_stray_duplicate_is_counted_without_a_message(tmp_path: Path) -> None:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    lines = orders(150, lines=1)
    world = SmallLambda(batch, speed, RULES, placed([*lines, lines[-1]], RULES))
    world.begin()
    world.run_speed(151)
    report = status(Views(batch, speed), Settings(home=tmp_path), None, START)
    assert (report["events"], report["duplicates"]) == (150, 1)
    assert not [message for message in report["messages"] if "duplicates" in message]
    batch.close()
    speed.close()


def test_a_posted_list_names_the_events_that_repeat_an_id_of_their_user() -> None:
    def line(user: str, order: str, item: str) -> dict[str, str]:
        return {"event_id": order, "kind": "purchase", "user_id": user, "item_id": item}

    lines = [("u", "o1", "a"), ("u", "o1", "b"), ("v", "o1", "a"), ("u", "o2", "c"), ("u", "o1", "d")]
    body = [line(*fields) for fields in lines]
    posted = read_interactions(json.dumps(body).encode(), RULES, START, lambda: "never needed")
    assert posted.duplicates == [{"index": 1, "event_id": "o1"}, {"index": 4, "event_id": "o1"}]
    assert len(posted.records) == len(posted.ids) == 5  # they go to the log, where both layers count them


def test_a_rejected_event_makes_no_later_one_a_duplicate() -> None:
    good = {"event_id": "e", "kind": "view", "user_id": "u", "item_id": "i"}
    body = json.dumps([good | {"kind": "dance"}, good]).encode()
    posted = read_interactions(body, RULES, START, lambda: "never needed")
    assert (posted.duplicates, [entry["index"] for entry in posted.rejected]) == ([], [0])
