"""The alert rules name what exists, are valid, fire where they should, and lead to a page that says what to do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings.units import milliseconds
from tests.kit.places import ROOT
from tests.kit.queries import faults, promtool

FOLDER = ROOT / "deploy" / "prometheus"
(GROUP,) = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_names_metrics_that_exist_and_a_page_that_exists(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert list(faults(rule["expr"])) == []
    assert "for" not in rule or milliseconds(rule["for"])
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"].keys() == {"summary", "runbook"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = [line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")]
    assert not anchor or anchor in [heading.replace("`", "") for heading in headings]


def test_every_alert_is_seen_to_fire_by_a_test() -> None:
    text = (FOLDER / "alerts.test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in RULES if f'alertname="{rule["alert"]}"' not in text] == []


def test_the_rules_pass_prometheus_own_check_and_their_tests() -> None:
    assert f"{len(RULES)} rules found" in promtool("check", "rules", "alerts.yml", cwd=FOLDER)
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml", cwd=FOLDER)


def test_prometheus_scrapes_with_a_valid_configuration(tmp_path: Path) -> None:
    text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/alerts.yml", str(FOLDER / "alerts.yml")))
    assert {job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]} == {"millrace-api", "millrace-speed"}
    promtool("check", "config", tmp_path / "prometheus.yml")


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("max(millrace_no_such_thing)", "no metric millrace_no_such_thing"),
        ("sum by (root) (millrace_lag_events)", "no label root"),
        ('millrace_rejected{raison="x"}', "no label raison"),
        ("millrace_http_request_seconds", "no metric millrace_http_request_seconds"),
        ("max(millrace_events", "its brackets do not match"),
        ("1 > 0", "it names no metric"),
    ],
)
def test_a_planted_fault_is_seen(expression: str, fault: str) -> None:
    assert list(faults(expression)) == [fault]
