"""``python deploy/grafana/dashboard.py`` writes the dashboard from this table: rows of panels, a query for each line.

tests/unit/test_dashboard.py checks that every query names metrics and labels that exist.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "dashboards" / "millrace.json"
COLUMNS, HEIGHT = 24, 8
RATE = "[$__rate_interval]"


class Panel(NamedTuple):
    """One panel. ``queries``: expression and legend; ``unit``: Grafana's name of it; ``about``: what it shows."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    about: str = ""
    kind: str = "timeseries"
    width: int = 8


def _quantiles(metric: str, by: str = "") -> tuple[tuple[str, str], ...]:
    labels = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return tuple(
        (f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{RATE})))", f"{legend}p{share * 100:g}")
        for share in (0.5, 0.99)
    )


def _now(title: str, unit: str, expression: str, about: str) -> Panel:
    return Panel(title, unit, ((expression, ""),), about, "stat", 4)


def _rates(title: str, metric: str, *labels: str, unit: str = "cps", about: str = "") -> Panel:
    legend = " ".join(f"{{{{{label}}}}}" for label in labels)
    return Panel(title, unit, ((f"sum by ({', '.join(labels)}) (rate({metric}{RATE}))", legend),), about)


def _times(title: str, metric: str, about: str = "") -> Panel:
    return Panel(title, "s", _quantiles(metric), about)


def _levels(title: str, unit: str, *queries: tuple[str, str], about: str = "") -> Panel:
    return Panel(title, unit, queries, about)


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("Now", (
        _now("Answers", "reqps", f"sum(rate(millrace_answers_total{RATE}))", "Answers of all lookups."),
        _now("Degraded", "percentunit", f'sum(rate(millrace_answers_total{{degraded!="none"}}{RATE})) / '
             f"sum(rate(millrace_answers_total{RATE}))", "Share of answers that lack a part."),
        _now("Freshness", "s", "max(millrace_freshness_seconds)", "Age of the oldest event that no answer holds."),
        _now("Lag", "short", "sum(max by (partition) (millrace_lag_events))", "Events that no answer holds yet."),
        _now("Generation", "s", "max(millrace_generation_age_seconds)", "Age of the generation that serves."),
        _now("NDCG@10", "percentunit", 'max(millrace_generation_ndcg{ranking="blend"})', "Quality of what serves."),
    )),
    ("Answers", (
        _rates("Requests by route", "millrace_http_requests_total", "route", unit="reqps"),
        _rates("Requests by status", "millrace_http_requests_total", "status", unit="reqps"),
        _levels("Time by route", "s", _quantiles("millrace_http_request_seconds", "route")[1]),
        _rates("What answers lack", "millrace_answers_total", "degraded", unit="reqps"),
        _rates("From memory and from stores", "millrace_answers_from_total", "where", unit="reqps"),
        _rates("Recommended items by source", "millrace_recommended_items_total", "source"),
    )),
    ("Events", (
        _rates("Posted", "millrace_posted_records_total", "topic", "result"),
        _rates("Refused posts by reason", "millrace_posted_rejected_total", "reason"),
        _times("Acknowledgement by the broker", "millrace_append_seconds"),
        _times("Until answers hold an event", "millrace_visible_seconds", "One posted event per second is watched."),
        _levels("Rejected by reason", "short", ("max by (reason) (millrace_rejected)", "{{reason}}"),
                ("max by (reason) (millrace_rejected_catalogue)", "catalogue {{reason}}"), about="Exact counts."),
        _levels("Events and duplicates", "short", ("max(millrace_events)", "events"),
                ("max(millrace_duplicates)", "duplicates"),
                ("max(millrace_excess)", "beyond a user's share"), about="Exact counts."),
    )),
    ("Speed layer", (
        _rates("Applied", "millrace_speed_events_total", "result"),
        _levels("Micro-batches", "cps", (f"sum(rate(millrace_speed_micro_batches_total{RATE}))", "committed")),
        _levels("Lag by partition", "short", ("max by (partition) (millrace_lag_events)", "{{partition}}")),
        _levels("Mean time by phase", "s", (
            f"sum by (phase) (rate(millrace_speed_phase_seconds_sum{RATE})) / "
            f"sum by (phase) (rate(millrace_speed_phase_seconds_count{RATE}))", "{{phase}}")),
        _times("From the log to the commit", "millrace_speed_delay_seconds", "Oldest record of each micro-batch."),
        _levels("Repeated attempts and readings", "short", ("min(millrace_speed_alive)", "alive"),
                (f"sum by (why) (increase(millrace_speed_interruptions_total{RATE}))", "{{why}}")),
    )),
    ("Relay", (
        _levels("Read, appended, left out", "cps", (f"sum(rate(millrace_relay_records_total{RATE}))", "records"),
                (f"sum(rate(millrace_relay_events_total{RATE}))", "events"),
                (f"sum(rate(millrace_relay_left_out_total{RATE}))", "left out")),
        _rates("Dead letters by reason", "millrace_relay_dead_letters_total", "reason"),
        _levels("Not read yet", "short", ("sum by (topic) (millrace_relay_lag_records)", "{{topic}}")),
    )),
    ("Stores and load", (
        _levels("Calls of stores", "s", (
            f"histogram_quantile(0.99, sum by (le, store, operation) (rate(millrace_store_seconds_bucket{RATE})))",
            "{{store}} {{operation}} p99")),
        _rates("Unanswered calls", "millrace_store_failures_total", "store"),
        _rates("Turned away", "millrace_http_shed_total", "why"),
    )),
    ("Batch layer", (
        _levels("Age", "s", ("max(millrace_generation_age_seconds)", "serving generation"),
                ("max(millrace_generation_newest_age_seconds)", "newest generation"),
                ("max(millrace_segment_age_seconds)", "newest segment")),
        _levels("Time by step", "s", ("max by (step) (millrace_generation_step_seconds)", "{{step}}")),
        _levels("NDCG@10", "percentunit", ("max by (ranking) (millrace_generation_ndcg)", "{{ranking}}")),
        _levels("Events of the generation", "short", ("max(millrace_generation_events)", "events")),
        _levels("Rows by view", "short", ("max by (view) (millrace_generation_rows)", "{{view}}")),
        _levels("Gate, rollback, schedule", "short", ("max(millrace_generations_refused)", "refused in a row"),
                ("max(millrace_rollback_holds)", "rollback holds"),
                ("max(millrace_schedule_failures)", "failed in a row")),
    )),
)  # fmt: skip


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS:
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})  # fmt: skip
        y, x = y + 1, 0
        for panel in row:
            if x + panel.width > COLUMNS:
                y, x = y + HEIGHT, 0
            panels.append(_panel(panel, len(panels) + 1, x, y))
            x += panel.width
        y += HEIGHT
    return {
        "uid": "millrace", "title": "Millrace", "tags": ["millrace"], "schemaVersion": 39, "version": 1,
        "editable": True, "refresh": "30s", "time": {"from": "now-3h", "to": "now"}, "timezone": "",
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "annotations": {"list": []}, "panels": panels,
    }  # fmt: skip


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {"refId": chr(ord("A") + k), "datasource": source, "expr": expression, "legendFormat": legend or "__auto"}
        for k, (expression, legend) in enumerate(panel.queries)
    ]
    return {
        "id": number, "type": panel.kind, "title": panel.title, "description": panel.about, "datasource": source,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": HEIGHT}, "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []}, "options": {},
    }  # fmt: skip


def written() -> str:
    """Return the dashboard as the file holds it."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
