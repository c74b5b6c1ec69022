"""What people read of a cold start."""

from typing import Any

import pytest

from millrace.judging.tables import show

FIGURES = {"ndcg@10": 0.1, "recall@10": 0.2, "hr@10": 0.3, "mrr@10": 0.4, "ndcg@10 95 %": [0.05, 0.15]}
TABLE: dict[str, Any] = {
    "beside": "random", "models": {"random": FIGURES, "tfidf": FIGURES | {"ndcg@10": 0.25}},
    "leads": {"tfidf": {"ndcg@10": 0.15, "ndcg@10 95 %": [0.1, 0.2]}},
}  # fmt: skip


def test_new_items_and_new_users_have_a_table_each(capsys: pytest.CaptureFixture[str]) -> None:
    report = {
        "events": 1_000, "new_items": {"items": 20, "users": 30, **TABLE},
        "new_users": {"users": 7, "by_first_events": {"0": TABLE, "5": TABLE}},
    }  # fmt: skip
    show(report)
    printed = capsys.readouterr().out
    assert "20 items without events, 30 users judged" in printed
    assert "5 known, 7 users judged" in printed
    assert printed.count("+0.150 (+0.100…+0.200)") == 3


def test_a_part_that_cannot_be_judged_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    show({"events": 2, "new_items": {"missing": "nothing here"}, "new_users": {"missing": "nothing there"}})
    printed = capsys.readouterr().out
    assert "nothing here" in printed
    assert "nothing there" in printed


def test_figures_of_one_user_have_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    single = FIGURES | {"ndcg@10": 1.0, "ndcg@10 95 %": None}
    table = TABLE | {
        "models": {"random": single, "tfidf": single}, "leads": {"tfidf": {"ndcg@10": 0.0, "ndcg@10 95 %": None}}
    }  # fmt: skip
    show({"events": 9, "new_items": {"items": 1, "users": 1, **table}, "new_users": {"missing": "nothing there"}})
    printed = capsys.readouterr().out
    assert "1.000" in printed
    assert "+0.000" in printed
    assert "–" not in printed
    assert "…" not in printed


def test_sources_without_any_list_are_named_with_the_reason_once_and_have_no_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    silent = {"without_list": {"tfidf": "no item has a catalogue record", "repeat": None}}
    part = TABLE | silent
    show({
        "events": 9, "new_items": {"items": 1, "users": 2, **part},
        "new_users": {"users": 7, "by_first_events": {"0": part}},
    })  # fmt: skip
    printed = capsys.readouterr().out
    assert printed.count("Without any list: tfidf, repeat") == 2
    assert printed.count("tfidf is left out: no item has a catalogue record") == 1
    assert "repeat is left out" not in printed
    assert "0.250" not in printed
