"""The dashboard is the one that the script writes, and each of its queries names what exists."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.places import ROOT
from tests.kit.queries import faults, promtool, samples

FOLDER = ROOT / "deploy" / "grafana"
TEXT = (FOLDER / "dashboards" / "millrace.json").read_text(encoding="utf-8")
PANELS: list[dict[str, Any]] = json.loads(TEXT)["panels"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel.get("targets", [])]


def test_the_file_is_what_the_script_writes() -> None:
    assert runpy.run_path(str(FOLDER / "dashboard.py"))["written"]() == TEXT, "run python deploy/grafana/dashboard.py"


@pytest.mark.parametrize(("title", "expression"), QUERIES)
def test_a_query_names_metrics_and_labels_that_exist(title: str, expression: str) -> None:
    assert list(faults(expression)) == [], title


def test_every_metric_is_on_the_dashboard_or_named_here() -> None:
    """So that a new metric is not forgotten."""
    elsewhere = {"millrace_state_known", "millrace_degraded", "millrace_epoch", "millrace_segments",
                 "millrace_applied_offset", "millrace_generation_active", "millrace_schedule_alive"}  # fmt: skip
    everything = " ".join(expression for _, expression in QUERIES)
    stems = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in samples() if name != "up"
    }
    assert {stem for stem in stems if stem not in everything} == elsewhere


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken = set[tuple[int, int]]()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_queries_are_valid_to_prometheus(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{k}", "expr": expression.replace("$__rate_interval", "5m")}
        for k, (_, expression) in enumerate(QUERIES)
    ]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "queries.yml")


def test_grafana_is_told_where_both_are() -> None:
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/millrace.yml").read_text())["providers"]
    assert source["type"] == "prometheus"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
