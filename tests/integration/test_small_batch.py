"""A batch run over few events needs no engine: the same steps in its own process, equal to the slow twin."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from adapters.records.artefacts import read_learned
from adapters.stores.opened import batch_views
from batch_layer.gate.verdict import Refused
from batch_layer.jobs.generation import BatchJob
from core.partitions.partitioner import partition_of
from core.ranking.learned import Learned
from schemas.control import Generation
from schemas.errors import MillraceError
from schemas.event import Record
from serving_layer.answers.recommend import Wish, explain, recommend
from serving_layer.reading.answering import answer
from tests.kit.hostile import TIMESTAMP, encoded, good
from tests.kit.installation import Installation, installation, rows_of
from tests.kit.mixed_stream import in_parts, mixed_stream

pytestmark = [pytest.mark.kafka]


@pytest.fixture
def shop(kafka_bootstrap: str, tmp_path: Path) -> Installation:
    """One whose batch runs are given no session."""
    return installation(None, kafka_bootstrap, {}, tmp_path, gate_items=5, evaluation_events=300)  # type: ignore[arg-type]


def test_small_runs_start_no_engine_and_are_exact(shop: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.engine.tasks.open_session", _refuse)
    first, second, third = in_parts(mixed_stream(shop.settings.rules), 3)
    for part in (first, second):
        shop.produce(part)
        made = shop.batch()
        shop.check_all_is_applied(degraded=("speed",))
    assert made.metrics["mode"] == "incremental"
    assert any("recomputed from the lake, mismatches: 0" in line for line in shop.said)
    full = shop.batch(full=True)
    assert full.metrics["mode"] == "full"
    assert rows_of(shop, full.id) == rows_of(shop, made.id)
    shop.produce_in_transactions(third, aborted=third)
    shop.batch()
    shop.check_all_is_applied(degraded=("speed",))


def test_small_runs_bury_what_is_rejected_once_for_readers(shop: Installation) -> None:
    shop.produce(in_parts(mixed_stream(shop.settings.rules), 1)[0])
    made = shop.batch()
    shop.check_all_is_applied(degraded=("speed",))
    shop.check_rejected()
    assert sum(made.metrics["rejected"].values()) > 0


def test_a_step_over_more_events_than_the_setting_allows_asks_for_the_engine(
    shop: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.engine.tasks.open_session", _refuse)
    shop.produce(in_parts(mixed_stream(shop.settings.rules), 1)[0])
    shop.settings = shop.settings.changed(in_process_events=0)
    with pytest.raises(MillraceError, match="asked for the engine"):
        BatchJob(None, shop.log, shop.settings, shop.said.append).run()


def test_a_run_judges_the_blend_that_it_stores(shop: Installation) -> None:
    made = learnt(shop, users=300, events=3_600)
    stored = read_learned(batch_views(shop.settings), made.id)
    assert isinstance(stored.new, Learned)
    assert "similar" in stored.new.sources
    evaluation = made.metrics["evaluation"]
    assert evaluation["recipe"]["learns"] == stored.new.sources
    assert "hits among ten" in evaluation["learned"]["says"]


@pytest.mark.deep
def test_a_run_whose_blend_learns_from_worse_sources_does_not_serve(shop: Installation) -> None:
    """The weights of the tables stay the same: only what was learned is worse."""
    made = learnt(shop, users=400, events=6_000)
    shop.settings = shop.settings.changed(blend_learns="popular")
    with pytest.raises(Refused, match=r"NDCG@10 on the active generation's held-out part is .* worse by more than"):
        shop.batch(full=True, activate=True)
    assert shop.control.active == made.id


def learnt(shop: Installation, users: int, events: int) -> Generation:
    """A generation of users with five tastes, of which popularity knows nothing."""
    rng = np.random.default_rng(5)
    them = rng.integers(0, users, events).tolist()
    shop.produce(touches(shop, [(f"u{u}", f"i{(u % 5) * 60 + min(int(rng.geometric(0.04)), 60)}") for u in them]))
    shop.settings = shop.settings.changed(evaluation_events=10_000, blend_learns="similar, popular", gate_users=50)
    return shop.batch()


POOR: dict[str, tuple[Callable[[int], tuple[str, str]], str]] = {
    "a short log": (lambda k: (f"u{k % 5}", f"i{k % 9}"), ""),
    "one user": (lambda k: ("u", f"i{k:03d}"), "known users touch no item of the earlier part"),
    "constant items": (lambda k: (f"u{k}", "i"), "every event is of the same item"),
    "only repeats": (lambda k: (f"u{k % 9}", f"i{k % 9}"), "known users touch only items that they had touched before"),
}


@pytest.mark.parametrize("kind", POOR)
def test_a_log_that_teaches_no_blend_serves_fixed_weights_and_says_why(
    shop: Installation, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.engine.tasks.open_session", _refuse)
    touch, nobody = POOR[kind]
    pairs = [touch(k) for k in range(60 if kind == "a short log" else 300)]
    shop.produce(touches(shop, pairs))
    metrics = shop.batch().metrics
    assert metrics["learned"]["says"].startswith("sources keep the weights of their tables: ")
    assert metrics["learned"]["says"] in shop.said
    assert metrics["evaluation"].get("missing", "").endswith(nobody)
    assert metrics["evaluation"]["recipe"]["learns"] == []
    assert metrics["gate"]["passed"]
    user, item = (name.encode() for name in pairs[-1])
    listed = answer(shop.views, partial(recommend, user=user, wish=Wish(include_seen=True)))["items"]
    assert item in {row["item_id"].encode() for row in listed}
    assert [row["score"] for row in listed if not 0 < row["score"] <= 1 + 1e-12] == []
    explained = answer(shop.views, partial(explain, user=user, item=item))
    assert explained.get("features", []) == []  # only a learned blend has them
    assert answer(shop.views, partial(recommend, user=b"nobody", wish=Wish()))["items"]


def touches(shop: Installation, pairs: list[tuple[str, str]]) -> list[Record]:
    """Records of views by (user, item), one per minute."""
    rules, out = shop.settings.rules, []
    for k, (user, item) in enumerate(pairs):
        value = encoded(
            good(event_id=f"e{k}", user_id=user, item_id=item, event_time=TIMESTAMP - (len(pairs) - k) * 60_000)
        )
        home = partition_of(user.encode(), rules.partitioner, rules.partitions)
        out.append(Record("events", home, 0, TIMESTAMP, user.encode(), value))
    return out


def _refuse(*_: object) -> None:
    raise MillraceError("asked for the engine")
