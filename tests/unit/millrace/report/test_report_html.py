"""The report as a file: it acts on nobody, asks nothing of any server, and each chart has a name and its numbers."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.insights.table import INSIGHTS
from core.telemetry.delays import Delays
from core.text.visible import visible
from millrace.report.document import Report, document
from millrace.report.freshness import Distribution
from millrace.report.gathering import Gathered
from millrace.report.item_map import ItemMap, Place
from millrace.report.markup import joined, prose, tag
from millrace.report.style import style
from millrace.report.words import Clock
from tests.kit.parsed_html import Element, parsed

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;\u202e\x00❤"
DAY, START = 86_400_000, 1_760_000_400_000
MEGABYTE = 1_000_000


def rate(count: int, of: int) -> dict[str, Any]:
    return {"count": count, "of": of, "rate": count / of, "low": 0.8 * count / of, "high": 1.2 * count / of}


RATIO: dict[str, Any] = {"ratio": 1.8, "low": 1.4, "high": 2.3}
TRENDING = {"as_of": START, "window_seconds": DAY // 1000}
NO_RATE: dict[str, Any] = {"count": 0, "of": 0, "rate": None, "low": None, "high": None}


def rows_of(name: str, word: str) -> dict[str, Any]:
    """What each insight's answer has of its own, with ``word`` wherever somebody's text can stand."""
    rows: dict[str, dict[str, Any]] = {
        "activity": {
            "rows": [{"from": START + k * DAY, "events": 5 * k, "users": 2.5 * k, "kinds": {word: k}}
                     for k in range(7)],
            "users": {"estimate": 40.2, "low": 38.0, "high": 42.0, "error": 0.016},
            "step_seconds": 86_400, "events": 105, "change": RATIO,
        },
        "engagement": {
            "rows": [{"category": word, "events": 900, "engagement": rate(90, 900), "click_through": NO_RATE}],
        },
        "devices": {
            "rows": [{"device": word, "events": 9, "share": 0.4, "engagement": rate(1, 9),
                      "click_through": rate(1, 3)}],
            "differences": [{"category": None, "measure": "click_through", "phone": rate(1, 3), "desktop": NO_RATE,
                             "difference": 0.021, "low": 0.012, "high": 0.03, "differs": True}],
        },
        "sources": {"rows": [{"source": word, "impressions": 400, "clicks": 20, "saves": 4, "purchases": 1,
                              "click_through": rate(20, 400)}]},
        "experiments": {"rows": [{"experiment": word, "impressions": 900, "takes": 100, "rate": 0.11, "ratio": RATIO,
                                  "verdict": "cannot tell"}]},
        "best-time": {
            "rows": [{"hour": hour, "events": hour, **RATIO, "differs": hour == 20} for hour in range(24)],
            "zone": "UTC",
            "weekdays": [{"name": "Monday", "events": 9, "ratio": None, "low": None, "high": None, "differs": False}],
        },
        "formats": {"rows": [{"format": word, "items": 4, "views": 40, "saves": 3, "shares": 1, "ratio": RATIO}]},
        "viral": {"rows": [{"category": word, "items": [{"item_id": word, "title": word, "count": 90, "expected": 1.5,
                                                         "score": 3.4}]}]},
        "freshness": {"rows": [{"from": START, "events": 9, "p50": 0.2, "p95": 0.9, "p99": 1.1, "max": 2,
                                "slow": True}]},
    }  # fmt: skip
    return rows[name]


def insight(name: str, word: str = HOSTILE) -> dict[str, Any]:
    return {"insight": name, "verdict": "found", "says": f"{word} is `best`", **rows_of(name, word)}


def gathered(word: str = HOSTILE) -> Gathered:
    row = {"item_id": word, "category": word}
    trend = {**row, "count": 7, "expected": 1.5, "growth": 1.1, "score": 2.5, "change": 3.0}
    change = {**row, "count": 4, "previous": 1, "change": 1.5, "relative": None}
    return Gathered(
        header={"generation": word, "segment": 3, "fresh_to": {"event_time": START}, "degraded": ["speed"]},
        hours={"from": START, "to": START + 7 * DAY}, exists={"from": START, "to": START + 9 * DAY}, categories=[word],
        trending={**TRENDING, "basis": "trend", "basis_reason": "rising", "items": [trend]},
        courses={word: [0, 2, 5]}, course_from=START, course_step_ms=DAY // 4,
        changes=[{"bucket": START, "items": [change]}], insights=[insight(name, word) for name in INSIGHTS],
        map=ItemMap("als", 0.4, [Place(f"{word}{k}", word, word if k else None, 9, k / 5, -k / 5) for k in range(5)]),
        titles={word: word}, delays=Delays(),
    )  # fmt: skip


def generation(name: str, active: bool = False) -> dict[str, Any]:
    rankings = {"als": {"users": 90, "ndcg@10": 0.06}, "blend": {"users": 90, "ndcg@10": 0.0712}}
    return {
        "id": name, "active": active, "published_at": START, "mode": "full", "events": 900, "rankings": rankings,
        "gate": {"passed": active, "reasons": [name], "warnings": []}, "step_seconds": {"train": 2.5},
    }  # fmt: skip


def report(word: str = HOSTILE) -> Report:
    delays = Distribution("From here to there", (0.1, 1.0), [3, 5, 1], 0.3, 2.0)
    kept = {"generations": [generation(word), generation(word, active=True)]}
    return Report(gathered(word), kept, [delays], START, Clock(ZoneInfo("UTC"), "UTC"))


EMPTY = Report(
    replace(
        gathered(), courses={}, changes=[{"bucket": START, "items": []}], titles={}, map="There is no map: no model.",
        trending={**TRENDING, "basis": "popular", "basis_reason": "nothing_rises", "items": []},
        insights=[{"insight": "activity", "refused": "add it to `dimensions`"}]
        + [{"insight": name, "verdict": "too_little_data", "says": "no", "rows": []} for name in list(INSIGHTS)[1:]],
    ),
    {"generations": []}, [], START, Clock(ZoneInfo("UTC"), "UTC"),
)  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Element:
    return parsed(document(report()))


def test_text_of_others_is_shown_and_never_acts(whole: Element) -> None:
    names = {element.name for element in whole.all()}
    assert names.isdisjoint({"script", "img", "iframe", "link", "object", "form", "base"})
    assert not [name for element in whole.all() for name in element.attributes if name.startswith("on")]
    text = document(report())
    assert HOSTILE not in text
    assert not {"\u202e", "\x00"} & set(text)
    shown = visible(HOSTILE)[:40]
    for part in ("trending", "changes", "insights", "generations", "map"):
        (section,) = (element for element in whole.named("section") if element.attributes["id"] == part)
        assert any(shown in element.text for element in section.all()), part


def test_nothing_is_asked_of_any_server(whole: Element) -> None:
    links = [value for element in whole.all() for name, value in element.attributes.items() if name in ("href", "src")]
    sections = {element.attributes.get("id") for element in whole.named("section")}
    assert {link.removeprefix("#") for link in links} == sections
    assert "://" not in document(report())
    assert not [word for word in ("url(", "@import") if word in style()]
    policy = next(element for element in whole.named("meta") if "http-equiv" in element.attributes)
    assert policy.attributes["content"].startswith("default-src 'none'")


def test_every_chart_has_a_name_and_its_numbers_in_a_table(whole: Element) -> None:
    pictures = [element for element in whole.named("svg") if "aria-hidden" not in element.attributes]
    assert len(pictures) > 15
    for picture in pictures:
        assert picture.attributes["role"] == "img"
        assert picture.attributes["aria-label"] == picture.named("title")[0].text
        assert picture.is_within("figure") or picture.is_within("td")
    figures = whole.named("figure")
    assert len(figures) == 5  # activity, hours, generations, freshness, map
    for figure in figures:
        assert figure.attributes["aria-label"]
        assert figure.named("details")[0].named("table")[0].named("tbody")[0].named("tr")


def test_every_table_has_a_caption_and_as_many_cells_as_headings(whole: Element) -> None:
    for table in whole.named("table"):
        assert table.named("caption")[0].text
        headings = len(table.named("th"))
        assert {len(row.named("td")) for row in table.named("tbody")[0].named("tr")} == {headings}


def test_without_data_each_part_says_why_it_is_empty() -> None:
    root = parsed(document(EMPTY))
    said = " ".join(element.text for element in root.all())
    for sentence in (
        "nothing rises", "There is no map: no model.", "No generation is published yet", "Nothing to list.",
        "It is not known how long events took into the answers", "add it to", "The data support no difference yet",
    ):  # fmt: skip
        assert sentence in said, sentence
    assert root.named("figure") == []


def test_one_generation_is_a_table_and_one_that_nobody_judged_says_so() -> None:
    alone = {"generations": [{**generation("g1"), "rankings": {}}, {**generation("run"), "published_at": None}]}
    root = parsed(document(replace(report("x"), generations=alone)))
    (section,) = (element for element in root.named("section") if element.attributes["id"] == "generations")
    assert section.named("figure") == []
    assert "No kept generation was evaluated" in section.named("p")[0].text
    assert len(section.named("tr")) == 2


def test_the_largest_report_of_the_longest_ids_is_below_a_megabyte() -> None:
    word = "&" * 256
    full = gathered(word)
    many = [replace_rows(answer) for answer in full.insights]
    trend = {**full.trending, "items": full.trending["items"] * 10}
    places = [Place(word, word * 4, word, 9, k / 240, k / 240) for k in range(240)]
    made = replace(report(word), generations={"generations": [generation(word)] * 100}, gathered=replace(
        full, trending=trend, insights=many, courses={f"{k}{word}": [9] * 28 for k in range(10)} | {word: [9] * 28},
        changes=[{"bucket": START, "items": full.changes[0]["items"] * 6}] * 3, map=ItemMap("als", 0.4, places),
    ))  # fmt: skip
    assert len(document(made).encode()) < MEGABYTE


def replace_rows(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with 366 rows, a year of days."""
    rows = (answer["rows"] * 366)[:366] if answer["insight"] != "best-time" else answer["rows"]
    return {**answer, "rows": rows}


def test_the_colours_are_the_page_s_once_for_light_and_once_for_dark() -> None:
    text = style()
    light, dark = text.split("prefers-color-scheme:dark")
    for name in ("--paper", "--ink", "--accent", "--batch", "--speed"):
        assert f"{name}:#" in light
        assert f"{name}:#" in dark
    assert "light-dark" not in text
    assert "@media print" in text


def test_markup_escapes_once_and_only_text() -> None:
    assert (
        tag("p", "a<b", tag("b", '"'), None, class_="x&y", hidden=False) == '<p class="x&amp;y">a&lt;b<b>&quot;</b></p>'
    )
    assert joined(["<", tag("br")]) == "&lt;<br>"
    assert joined(prose("run `a<b` now")) == "run <code>a&lt;b</code> now"
