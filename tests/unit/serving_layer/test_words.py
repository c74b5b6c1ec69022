"""What people read instead of JSON: the outcome of a batch run, and the schedule in `status`."""

from typing import Any

import pytest

from batch_layer.runs.summary import summary
from serving_layer.words import in_words, schedule_in_words

AT = 1_760_000_000_000  # 2025-10-09 08:53:20Z
SCHEDULE: dict[str, Any] = {
    "alive": True, "owner": "process 7 on host", "beat": AT, "every_ms": 600_000, "next_due": AT + 60_000,
    "running_since": None, "last": None, "failures": 0, "failing_since": None,
}  # fmt: skip
LAST = {"began_at": AT, "ended_at": AT + 83_000, "result": "published", "generation": "g1", "error": None}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({}, "every 10 min by process 7 on host, next run 2025-10-09 08:54:20Z"),
        ({"running_since": AT}, "every 10 min by process 7 on host, runs since 2025-10-09 08:53:20Z"),
        (
            {"last": LAST},
            "every 10 min by process 7 on host, next run 2025-10-09 08:54:20Z, "
            "last run published g1 2025-10-09 08:54:43Z after 1 min 23 s",
        ),
        (
            {"alive": False, "last": LAST | {"result": "failed", "generation": None, "error": "no log"},
             "failures": 3, "failing_since": AT},
            "stopped, was every 10 min, last run failed 2025-10-09 08:54:43Z after 1 min 23 s, because no log, "
            "3 failed in a row since 2025-10-09 08:53:20Z",
        ),
    ],
)  # fmt: skip
def test_the_schedule_is_a_sentence(changed: dict[str, Any], sentence: str) -> None:
    assert schedule_in_words(SCHEDULE | changed) == sentence


def test_status_shows_times_as_times_whatever_else_it_holds() -> None:
    document = {
        "generation": None, "as_of": AT, "applied": {"0": 5}, "degraded": [], "held": True, "lag_events": 0,
        "novelty": {"seen_at": AT, "count": 3}, "schedule": None, "messages": ["do this", "do that"],
        "speed": {"alive": False, "owner": None, "beat": AT},
    }  # fmt: skip
    words = dict(in_words(document))
    assert str(AT)[:6] not in "".join(words.values())
    assert words["as of"] == "2025-10-09 08:53:20Z"
    assert words["novelty"] == "seen_at: 2025-10-09 08:53:20Z, count: 3"
    assert (words["generation"], words["applied"], words["degraded"]) == ("-", "0: 5", "-")
    assert words["speed"] == "does not run, last seen 2025-10-09 08:53:20Z"
    assert words["messages"].split() == ["do", "this", "do", "that"]


def test_a_batch_run_is_summed_up_for_people() -> None:
    metrics = {
        "mode": "incremental", "base": "g0", "events": 12_000, "new_events": 300, "duplicates": 4,
        "rejected": {"malformed": 2, "invalid:event_time": 1_500}, "rows": {"norms": 80, "pairs": 1_200, "seen": 0},
        "model": {"items": 80, "factors": 64, "engine": "implicit"}, "step_seconds": {"ingest": 1.5, "compute": 20.0},
        "evaluation": {"models": {"ALS": {"ndcg@10": 0.12345}}},
    }  # fmt: skip
    assert summary({"id": "g1", "metrics": metrics}).splitlines() == [
        "generation g1",
        "  events      12,000, of them 300 new since g0; 4 duplicates do not count",
        "  rejected    1,502: invalid:event_time 1,500, malformed 2",
        "  rows        80 norms, 1,200 pairs",
        "  model       80 items by 64 factors, implicit",
        "  NDCG@10     ALS 0.123",
        "  took        ingest 1.5 s, compute 20 s",
    ]


def test_a_generation_without_figures_is_summed_up_as_well() -> None:
    assert summary({"id": "g1", "metrics": {"model": {}, "evaluation": {}}}) == "generation g1\n  events      0"
