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
from batch_layer.learning.evaluation import (
    ALS,
    BLEND,
    ITEM_CF,
    POPULARITY,
    RECENT,
    InteractionsPast,
    Question,
    evaluate,
    in_time_order,
)
from batch_layer.learning.search import search
from core.ranking.ranking_quality import Interactions, judged
from datasets.files.tally import Tally
from datasets.formats import IMPORTERS
from datasets.formats.base import ImportOptions
from datasets.importing.share import Share, read_dataset
from millrace.evaluate import evaluate as command
from millrace.evaluate import in_file
from recommenders import settings_of
from recommenders.als.model import AlsSettings, artefact
from recommenders.cohort import Cohort
from recommenders.opened import blended, fit_all, open_all
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers.recommend import Wish, recommend
from serving_layer.reading.answering import answer
from serving_layer.reading.catalogue import Page
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
        {name: getattr(e, name) for name in ("item_id", "weight", "event_time", "partition", "offset")} for e in events
    ]
    return in_time_order(pa.Table.from_pylist([{"user": e.user_id} | row for e, row in zip(events, rows, strict=True)]))


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


def test_planted_tastes_are_found_and_a_search_does_not_lose_them() -> None:
    rng = np.random.default_rng(5)
    events = [
        Event(0, k, START + k * 60_000, f"e{k}", START + k * 60_000, "view", f"u{u}",
              f"i{(u % 5) * 20 + min(int(rng.geometric(0.1)), 20)}", None, 1000, None)
        for k, u in enumerate(rng.integers(0, 150, 4000).tolist())
    ]  # fmt: skip
    given, _ = interactions(events)
    configured = replace(SETTINGS, regularization=1e5)
    question = Question(Rules(), settings(configured))
    report = evaluate(given, question)
    ndcg = {name: figures["ndcg@10"] for name, figures in report["models"].items()}
    assert list(ndcg) == [POPULARITY, RECENT, ITEM_CF, ALS, BLEND]
    assert ndcg[ITEM_CF] > 1.5 * ndcg[POPULARITY]
    tried = search(given, question, 6)
    assert len(tried) == 7
    [ours] = [candidate for candidate in tried if candidate.als.fitted == configured.fitted]
    assert tried[0].ndcg > 1.2 * ours.ndcg
    assert [candidate.ndcg for candidate in tried] == sorted((candidate.ndcg for candidate in tried), reverse=True)
    assert evaluate(given, Question(Rules(), settings(tried[0].als)))["models"][ALS]["ndcg@10"] > ndcg[ALS]


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_too_few_events_are_reported_and_not_judged(n: int) -> None:
    rows = [("u", f"i{k}", 1000, START + k, 0, k) for k in range(n)]
    columns = list(zip(*rows, strict=True)) or [[]] * 6
    types = [pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int32(), pa.int64()]
    names = ["user", "item_id", "weight", "event_time", "partition", "offset"]
    table = pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], names)
    events, _ = in_time_order(table)
    report = evaluate(events, Question(Rules(), settings()))
    assert (report["judged_users"], report["models"]) == (0, {})
    assert search(events, Question(Rules(), settings()), 3)[0].als.fitted == SETTINGS.fitted


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
    assert (report["events"], list(report["models"])) == (900, [POPULARITY, RECENT, ITEM_CF, ALS, BLEND])
    shown = run(command, ["--events", "e.jsonl"])
    assert shown.stdout.startswith("900 events cut at 2023-")
    assert [f"{report['models'][name]['ndcg@10']:.3f}" in shown.stdout for name in report["models"]] == [True] * 5
    assert "lines that are not acceptable events: 1" in shown.stderr
    nothing = run(command, [])
    assert (nothing.exit_code, nothing.stderr) == (3, EMPTY)


EMPTY = "millrace: no generation was published yet: run `millrace batch run`, or name a file with --events\n"

# NDCG@10 and recall@10 as an independent program found them.
FIGURES: dict[str, tuple[str, str, str, int, list[tuple[str, float, float]]]] = {
    "deskdrop": ("deskdrop", "deskdrop/interactions.csv.gz", "", 389,
                 [(POPULARITY, 0.012, 0.026), (RECENT, 0.057, 0.076), (ITEM_CF, 0.029, 0.054)]),
    "rees46": ("rees46", "rees46-2019-oct-prefix/2019-Oct.csv.gz", "user_session", 206,
               [(POPULARITY, 0.025, 0.053), (RECENT, 0.026, 0.053), (ITEM_CF, 0.082, 0.143)]),
    "online-retail": ("online-retail", "online-retail-uci/online_retail.csv.gz", "", 1423,
                      [(POPULARITY, 0.038, 0.040), (RECENT, 0.094, 0.097), (ITEM_CF, 0.083, 0.084)]),
}  # fmt: skip


# The largest is as slow as the others together are quick.
@pytest.mark.parametrize("name", ["deskdrop", "rees46", pytest.param("online-retail", marks=pytest.mark.deep)])
def test_deterministic_models_match_an_independent_program_on_real_data(
    name: str, test_data: Path, tmp_path: Path
) -> None:
    form, path, user, users, figures = FIGURES[name]
    if not (test_data / path).exists():
        pytest.skip(f"{test_data / path} is not there")
    rules = Rules(kinds={**Rules().kinds, "save": 2.5, "comment": 4})  # as that program weighs them
    options = ImportOptions(user, rules.kinds, {})
    with (tmp_path / "events.jsonl").open("wb") as file:
        imported = read_dataset(IMPORTERS[form](test_data / path, options, Tally()), Share(), with_items=False)
        file.writelines(line.text + b"\n" for line in imported.lines)
    events, _ = in_time_order(in_file(tmp_path / "events.jsonl", rules))
    report = evaluate(events, Question(rules, settings(AlsSettings(8, 2, 10.0, 10.0))))
    assert report["judged_users"] == users
    for model, ndcg, recall in figures:
        measured: dict[str, Any] = report["models"][model]
        assert measured["ndcg@10"] == pytest.approx(ndcg, abs=0.002), model
        # That program pairs a new item with the 19 before it where the fold of Millrace pairs it with 20: on deskdrop
        # that is worth 0.003 of recall.
        assert measured["recall@10"] == pytest.approx(recall, abs=0.002 if model != ITEM_CF else 0.0035), model
