"""The evaluation ranks as serving does, finds planted tastes, and matches figures of an independent program."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from adapters.records.books import BLEND as BLEND_SPACE
from adapters.records.books import CALIBRATION
from adapters.stores import open_store
from batch_layer.learning.evaluation import InteractionsPast, Question, evaluate, in_time_order
from batch_layer.learning.references import (
    ITEM_CF,
    OWN,
    POPULARITY,
    RECENT,
    recent_votes,
    references,
    tuned_window,
)
from batch_layer.learning.sample import SAMPLE
from batch_layer.learning.search import search
from batch_layer.learning.splits import EXCLUDED, INCLUDED, PER_USER, TIME, split
from core.quality.ranking_quality import Interactions, judged, quality
from datasets.files.tally import Tally
from datasets.formats import IMPORTERS
from datasets.formats.base import ImportOptions
from datasets.importing.share import Share, read_dataset
from millrace.judging.command import evaluate as command
from millrace.judging.events import in_file
from recommenders import TABLE, settings_of
from recommenders.als.model import AlsSettings, artefact
from recommenders.cohort import Cohort
from recommenders.opened import asked_for, blended, fit_all, open_all
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.streams import START, rating_shop

RULES = Rules(history_items=6, remembered_ids=8, partitions=2)
SETTINGS = AlsSettings(factors=5, iterations=5, regularization=1.0, alpha=10.0)


def settings(als: AlsSettings = SETTINGS) -> dict[str, Any]:
    return {**settings_of({}), "als": als}


@pytest.fixture
def stores() -> Iterator[Views]:
    with tempfile.TemporaryDirectory() as folder:
        batch, speed = (open_store(f"sqlite:///{Path(folder) / name}") for name in ("b.sqlite", "s.sqlite"))
        yield Views(batch, speed)
        batch.close()
        speed.close()


def interactions(events: list[Event]) -> tuple[Interactions, list[bytes]]:
    rows = [
        {name: getattr(e, name) for name in ("item_id", "weight", "event_time", "partition", "offset", "category")}
        for e in events
    ]
    users = [{"user": e.user_id} | row for e, row in zip(events, rows, strict=True)]
    return in_time_order(pa.Table.from_pylist(users, SAMPLE))


def test_the_blend_scores_every_item_as_serving_does(stores: Views) -> None:
    world = SmallLambda(stores.batch, stores.speed, RULES, placed(rating_shop(), RULES))
    events, names = interactions([replace(e, offset=k) for k, e in enumerate(world.log)])
    fitted = fit_all(InteractionsPast(events, names), settings())["als"]
    assert fitted is not None
    by_name = sorted(range(len(names)), key=lambda row: fitted.items[row])
    model = artefact([fitted.items[row] for row in by_name], fitted.arrays["factors"][by_name], fitted.facts)
    rows = {("als", key): value for key, value in model.rows()}
    world.run_batch(len(world.log), {**rows, (BLEND_SPACE, CALIBRATION): b"[[0, 0.1], [1, 0.5]]"})
    world.begin()
    asked = judged(events, events.before(0), None)
    scorer = blended(open_all({"als": fitted}, settings()), Cohort.of(events, RULES, names), asked)
    user_of = {
        event.user_id: code
        for event, code in zip(sorted(rating_shop(), key=lambda e: e.event_time), events.user, strict=True)
    }
    for user, code in user_of.items():
        recommended = answer(stores, lambda s, user=user: recommend(s, user.encode(), Wish(Page(n=1000))))  # type: ignore[misc]
        served = {row["item_id"].encode(): row["score"] for row in recommended["items"]}
        row = scorer(np.array([code]))[0]
        mine = {names[item]: score for item, score in enumerate(row.tolist()) if score > 0}
        assert served.keys() == mine.keys()
        assert [mine[name] for name in served] == pytest.approx(list(served.values()), rel=1e-3)
        assert [0.1 + 0.4 * row["score"] for row in recommended["items"]] == pytest.approx(
            [r["confidence"] for r in recommended["items"]]
        )
    assert recommended["items"]
    new = answer(Views(stores.batch, stores.speed), lambda s: recommend(s, b"nobody", Wish()))["items"]
    assert [0.1 + 0.4 * row["score"] for row in new] == pytest.approx([row["confidence"] for row in new])


def test_confidence_of_fixed_weights_is_not_that_of_the_learned_blend() -> None:
    """Answers that may list seen items have fixed weights, whichever blend is judged as the one that serves."""
    given, _ = interactions([replace(e, offset=k) for k, e in enumerate(tastes(12_000, users=600, own=60))])
    question = Question(Rules(), settings())
    fixed, learned = (evaluate(given, replace(question, learns=learns)) for learns in ((), ("similar", "popular")))
    assert learned["learned"]["hr@10"] > 0
    assert learned["blend"] != fixed["blend"]
    assert fixed["knots"] == learned["knots"] != []


def tastes(count: int = 4_000, users: int = 150, own: int = 20) -> list[Event]:
    """Touches of users with five tastes, each of ``own`` items of the own taste."""
    rng = np.random.default_rng(5)
    return [
        Event(0, k, START + k * 60_000, f"e{k}", START + k * 60_000, "view", f"u{u}",
              f"i{(u % 5) * own + min(int(rng.geometric(2 / own)), own)}", None, 1000, None)
        for k, u in enumerate(rng.integers(0, users, count).tolist())
    ]  # fmt: skip


def test_planted_tastes_are_found_and_a_search_does_not_lose_them() -> None:
    given, _ = interactions(tastes())
    configured = replace(SETTINGS, regularization=1e5)
    question = Question(Rules(), settings(configured))
    report = evaluate(given, question)
    ndcg = {name: figures["ndcg@10"] for name, figures in report["models"].items()}
    assert list(ndcg) == [POPULARITY, RECENT, ITEM_CF, *asked_for(settings())]
    assert ndcg[ITEM_CF] > 1.5 * ndcg[POPULARITY]
    tried = search(given, question, 6)
    assert len(tried) == 7
    [ours] = [candidate for candidate in tried if candidate.als.fitted == configured.fitted]
    assert tried[0].ndcg > 1.2 * ours.ndcg
    assert [candidate.ndcg for candidate in tried] == sorted((candidate.ndcg for candidate in tried), reverse=True)
    assert evaluate(given, Question(Rules(), settings(tried[0].als)))["models"]["als"]["ndcg@10"] > ndcg["als"]


TOO_LITTLE: dict[str, tuple[list[tuple[str, str, int]], str]] = {
    "nothing": ([], "there are 0 events, and a split needs some before a moment and some after it"),
    "one event": ([("u", "a", 0)], "there are 1 events, and a split needs some before a moment and some after it"),
    "one moment": ([(f"u{k}", "a", 0) for k in range(9)],
                   "all events are of one moment, and a split needs some before a moment and some after it"),
    "constant items": ([(f"u{k % 3}", "a", k) for k in range(9)], "every event is of the same item"),
    "one user of new items": ([("u", f"i{k}", k) for k in range(9)],
                              "in the later part, known users touch no item of the earlier part"),
    "only repeats": ([("u", f"i{k % 2}", k) for k in range(9)],
                     "in the later part, known users touch only items that they had touched before"),
    "strangers": ([(f"u{k}", "ab"[k % 2], k) for k in range(9)],
                  "no user of the later part has an event in the earlier part"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOO_LITTLE)
def test_where_nobody_can_be_judged_a_sentence_says_why_and_there_is_no_figure(kind: str) -> None:
    rows, why = TOO_LITTLE[kind]
    events = coded_rows(rows)
    report = evaluate(events, Question(Rules(), settings()))
    assert (report["judged_users"], report["models"], report["missing"]) == (0, {}, f"nothing to judge: {why}")
    assert "blend" not in report
    assert search(events, Question(Rules(), settings()), 3)[0].als.fitted == SETTINGS.fitted


def coded_rows(rows: list[tuple[str, str, int]]) -> Interactions:
    """Interactions of (user, item, minute)."""
    columns = [[user, item, 1000, START + minute, 0, k, None] for k, (user, item, minute) in enumerate(rows)]
    by_name = zip(*columns, strict=True) if rows else [[]] * len(SAMPLE)
    arrays = [pa.array(column, field.type) for column, field in zip(by_name, SAMPLE, strict=True)]
    return in_time_order(pa.table(arrays, schema=SAMPLE))[0]


def test_each_users_last_fifth_is_judged_per_user() -> None:
    rows = [(f"u{u}", f"i{k % 5}", u * 5 + k) for u in range(4) for k in range(5)]
    report = evaluate(coded_rows(rows), Question(Rules(), settings(), protocol=PER_USER))
    # Everybody touches i0 to i4 in turn; i4 is the last fifth of each, so it is never known before.
    assert (report["cut"], report["test_events"], report["unknown_items"]) == (None, 4, 1.0)
    turned = [(f"u{u}", f"i{(k + u) % 5}", u * 5 + k) for u in range(4) for k in range(5)]
    report = evaluate(coded_rows(turned), Question(Rules(), settings(), protocol=PER_USER))
    assert (report["judged_users"], report["unknown_items"], report["models"][POPULARITY]["recall@10"]) == (4, 0.0, 1.0)


def test_what_was_seen_counts_again_where_it_is_included() -> None:
    rows = [(f"u{k % 4}", f"i{k % 4}", k) for k in range(40)]
    report = evaluate(coded_rows(rows), Question(Rules(), settings(), seen=INCLUDED))
    assert report["judged_users"] == 4
    assert report["models"][OWN]["ndcg@10"] == report["models"][OWN]["mrr@10"] == 1.0
    assert report["differences"][OWN]["ndcg@10"] == pytest.approx(report["blend"]["ndcg@10"] - 1, abs=1e-3)


def test_sources_that_are_turned_off_are_judged_on_request_and_have_no_share_in_the_blend() -> None:
    events, _ = interactions([replace(e, offset=k) for k, e in enumerate(rating_shop())])
    quiet = {**settings(), "similar": replace(settings()["similar"], weight=0.0)}
    without = evaluate(events, Question(Rules(), quiet))
    report = evaluate(events, Question(Rules(), quiet, every_source=True))
    assert "similar" not in without["models"]
    assert report["models"]["similar"]["users"] == report["judged_users"]
    costs = {"training_seconds", "answer_ms"}  # of all sources, where all are judged
    assert costs <= report["models"]["similar"].keys() & report["blend"].keys()
    assert {name: value for name, value in report["blend"].items() if name not in costs} == without["blend"]


def test_the_command_judges_a_file_as_a_table_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    lines = [
        {"event_id": e.event_id, "event_time": e.event_time, "kind": "view", "user_id": e.user_id, "item_id": e.item_id}
        for e in rating_shop()
    ]
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, [*lines, {"kind": "broken"}])))
    run = CliRunner().invoke
    report = json.loads(run(command, ["--events", "e.jsonl", "--json"]).stdout)
    assert (report["events"], report["protocol"], report["seen"]) == (900, "time", "excluded")
    baselines, sources = list(report["models"])[:3], list(report["models"])[3:]
    assert baselines == [POPULARITY, RECENT, ITEM_CF]
    assert set(asked_for(settings())) <= set(sources)
    assert sources == [name for name in TABLE if name in sources]  # those of the learned blend among them
    assert {"ece", "brier", "brier_constant"} <= report["calibration"].keys()
    shown = run(command, ["--events", "e.jsonl"])
    assert shown.stdout.startswith("900 events, cut at 2023-")
    listing = [model for name, model in report["models"].items() if name not in report["without_list"]]
    scores = [*listing, report["blend"]]
    assert all(name in shown.stdout for name in report["without_list"])
    assert [f"{model['ndcg@10']:.3f}" in shown.stdout for model in scores] == [True] * len(scores)
    assert "1 of 901 lines are no acceptable events: missing:" in shown.stderr
    nothing = run(command, [])
    assert (nothing.exit_code, nothing.stderr) == (3, EMPTY)


def test_the_command_judges_cold_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    off = {"als": "weight = 0", "words": 'text_model = "none here"'}
    tables = "\n".join(f"[recommenders.{name}]\n{line}" for name, line in off.items())
    (tmp_path / "millrace.toml").write_text(f'[blend]\nlearns = ""\n{tables}\n')
    lines = [
        {"event_id": e.event_id, "event_time": e.event_time, "kind": "view", "user_id": e.user_id, "item_id": e.item_id}
        for e in rating_shop()
    ]
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, lines)))
    items = sorted({e.item_id for e in rating_shop()})
    (tmp_path / "i.jsonl").write_text(
        "\n".join(json.dumps({"item_id": item, "title": f"thing {item}"}) for item in items)
    )
    asked = ["--events", "e.jsonl", "--items", "i.jsonl", "--protocol", "cold"]
    report = json.loads(CliRunner().invoke(command, [*asked, "--json"]).stdout)
    assert report["protocol"] == "cold"
    assert {"random", "popularity", "tfidf", "tfidf at once"} <= report["new_items"]["models"].keys()
    assert list(report["new_users"]["by_first_events"]) == ["0", "1", "2", "3", "5"]
    shown = CliRunner().invoke(command, asked).stdout
    assert f"{report['new_users']['users']:,} users judged" in shown


EMPTY = "millrace: no generation was published yet: run `millrace batch run`, or name a file with --events\n"

# NDCG@10 and recall@10 as an independent program found them: importer, file, user's column, protocol, seen, users.
COUNTED = Rules(kinds={**Rules().kinds, "save": 2.5, "comment": 4})  # as that program weighs them
FIGURES: dict[str, tuple[str, str, str, str, str, int, dict[str, tuple[float, float]]]] = {
    "deskdrop": ("deskdrop", "deskdrop/interactions.csv.gz", "", TIME, EXCLUDED, 389,
                 {POPULARITY: (0.012, 0.026), RECENT: (0.057, 0.076), ITEM_CF: (0.029, 0.054)}),
    "rees46": ("rees46", "rees46-2019-oct-prefix/2019-Oct.csv.gz", "user_session", TIME, EXCLUDED, 206,
               {POPULARITY: (0.025, 0.053), RECENT: (0.026, 0.053), ITEM_CF: (0.082, 0.143)}),
    "ml": ("movielens", "ml-latest-small/ratings.csv.gz", "", TIME, EXCLUDED, 22,
           {POPULARITY: (0.201, 0.183), RECENT: (0.266, 0.240), ITEM_CF: (0.254, 0.236)}),
    "ml per user": ("movielens", "ml-latest-small/ratings.csv.gz", "", PER_USER, EXCLUDED, 671,
                    {POPULARITY: (0.086, 0.085), ITEM_CF: (0.123, 0.127)}),
    "completejourney": ("completejourney", "completejourney/transactions_sample.csv.gz", "", TIME, EXCLUDED, 1825,
                        {POPULARITY: (0.044, 0.049), RECENT: (0.045, 0.051), ITEM_CF: (0.005, 0.006)}),
    "completejourney again": ("completejourney", "completejourney/transactions_sample.csv.gz", "", TIME, INCLUDED, 1840,
                              {POPULARITY: (0.056, 0.058), RECENT: (0.057, 0.060), OWN: (0.064, 0.070),
                               ITEM_CF: (0.022, 0.027)}),
    "online-retail": ("online-retail", "online-retail-uci/online_retail.csv.gz", "", TIME, EXCLUDED, 1423,
                      {POPULARITY: (0.038, 0.040), RECENT: (0.094, 0.097), ITEM_CF: (0.083, 0.084)}),
    "online-retail again": ("online-retail", "online-retail-uci/online_retail.csv.gz", "", TIME, INCLUDED, 1521,
                            {POPULARITY: (0.086, 0.083), RECENT: (0.141, 0.138), OWN: (0.367, 0.353),
                             ITEM_CF: (0.208, 0.208)}),
}  # fmt: skip
SLOW = ("online-retail", "online-retail again", "completejourney")  # as slow as the others together are quick


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.deep if name in SLOW else ()) for name in FIGURES]
)
def test_deterministic_models_match_an_independent_program_on_real_data(
    name: str, test_data: Path, tmp_path: Path
) -> None:
    form, path, user, protocol, seen, users, figures = FIGURES[name]
    if not (test_data / path).exists():
        pytest.skip(f"{test_data / path} is not there")
    options = ImportOptions(user, COUNTED.kinds, {})
    with (tmp_path / "events.jsonl").open("wb") as file:
        imported = read_dataset(IMPORTERS[form](test_data / path, options, Tally()), Share(), with_items=False)
        file.writelines(text + b"\n" for _, text in imported.lines())
    events, _ = in_time_order(in_file(tmp_path / "events.jsonl", COUNTED))
    if form == "movielens":  # that program counts a rating, whatever its value
        events = replace(events, weight=np.full(len(events), 1000))
    parts = split(events, protocol)
    asked = judged(parts.train, parts.test, None, seen_again=seen == INCLUDED)
    assert len(asked.users) == users
    recent = recent_votes(parts, tuned_window(parts, seen == INCLUDED))
    models = dict(references(parts, COUNTED, recent, seen == INCLUDED))
    for model, (ndcg, recall) in figures.items():
        measures = quality(asked, models[model], recent)
        assert measures.ndcg.mean() == pytest.approx(ndcg, abs=0.002), model
        assert measures.recall.mean() == pytest.approx(recall, abs=0.002), model
