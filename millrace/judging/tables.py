"""Reports of evaluations as tables for people."""

from typing import Any

from adapters.terminal.console import PlainConsole, console
from adapters.terminal.fitted_table import Field, print_table
from core.events.timestamps import time_text

Row = dict[str, Any]
MEASURES = {
    "ndcg@10": "NDCG@10", "recall@10": "recall@10", "precision@10": "prec.@10", "hr@10": "HR@10", "mrr@10": "MRR@10",
}  # fmt: skip
COSTS = {"novelty": ("novelty", ".2f"), "training_seconds": ("train s", ".1f"), "answer_ms": ("answer ms", ".2f")}


def show(report: dict[str, Any]) -> None:
    """Print a report: whom it judges, each model beside the blend, and whether stated confidence is right."""
    screen = console()
    if "new_items" in report:
        show_cold(screen, report)
        return
    if "blend" not in report:
        screen.print(f"{report['events']:,} events: {report['missing']}")
        return
    if "regimes" in report:
        show_walk(screen, report)
        return
    cut = _cut(report)
    screen.print(
        f"{report['events']:,} events, {cut}, seen items {report['seen']}: {report['judged_users']:,} users judged; "
        f"{report['unknown_items']:.1%} of what they and other known users touched later was unknown before (left out)"
    )
    show_models(screen, report, "ndcg@10")
    show_reasons(screen, report)
    screen.print(
        f"blend: what `recommend` lists. Best source: {report['best_source']}. Recent popularity: a window of "
        f"{report['recent_window_hours']} h. Intervals resample users, not the cut"
    )
    if "calibration" in report:
        show_calibration(screen, report["calibration"])


def _cut(report: dict[str, Any]) -> str:
    """Return what is judged."""
    if report["protocol"] == "ncf":
        return "each user's last event among 99 drawn items (comparable with no other protocol)"
    return "each user's last fifth is judged" if report["cut"] is None else f"cut at {time_text(report['cut'])}"


def show_walk(screen: PlainConsole, report: dict[str, Any]) -> None:
    """Print the figures of each regime of a walk."""
    screen.print(
        f"{report['events']:,} events, walked from {time_text(report['cut'])}, seen items {report['seen']}: "
        f"{report['asked']:,} events of {report['judged_users']:,} users asked about"
    )
    for name, regime in report["regimes"].items():
        every = "" if regime["every_seconds"] is None else f", every {regime['every_seconds']:,.0f} s"
        late = "" if regime["late_seconds"] is None else f", {regime['late_seconds']:g} s late"
        screen.print(f"{name}{late}: {regime['generations']} generation(s){every}; best source {regime['best_source']}")
        show_models(screen, regime, "hr@10")
        show_calibration(screen, regime["calibration"])
        for known, whose in (("users_by_known_events", "user"), ("items_by_known_events", "item")):
            bands = (f"{band} {hits['hr@10']:.3f} ({hits['events']:,})" for band, hits in regime[known].items())
            screen.print(f"HR@10 of the blend by events known of the {whose}: {', '.join(bands)}")
    show_reasons(screen, *report["regimes"].values())


def show_cold(screen: PlainConsole, report: dict[str, Any]) -> None:
    """Print the figures of new items, and those of new users by how many of their events were known."""
    items, users = report["new_items"], report["new_users"]
    screen.print(f"{report['events']:,} events. New items, ranked among themselves:")
    if "missing" in items:
        screen.print(items["missing"])
    else:
        screen.print(f"{items['items']:,} items without events, {items['users']:,} users judged")
        _show_leads(screen, items)
    screen.print("New users, by how many of their first events are known:")
    if "missing" in users:
        screen.print(users["missing"])
    for first, figures in users.get("by_first_events", {}).items():
        screen.print(f"{first} known, {users['users']:,} users judged")
        _show_leads(screen, figures)
    show_reasons(screen, items, *users.get("by_first_events", {}).values())


def show_reasons(screen: PlainConsole, *reports: dict[str, Any]) -> None:
    """Print once why each source without any list learned nothing."""
    for name, why in {name: why for report in reports for name, why in report.get("without_list", {}).items()}.items():
        if why is not None:
            screen.print(f"{name} is left out: {why}")


def _with_lists(screen: PlainConsole, report: dict[str, Any]) -> list[Row]:
    """Return the rows of those models that list something, and print the names of the others."""
    silent = report.get("without_list", {})
    if silent:
        screen.print(f"Without any list: {', '.join(silent)}")
    return [{"name": name, **scores} for name, scores in report["models"].items() if name not in silent]


def _show_leads(screen: PlainConsole, figures: dict[str, Any]) -> None:
    """Print each ranking's figures and its lead over the one that all are compared with."""
    rows = _with_lists(screen, figures)
    for row in rows:
        row |= {"lead": figures["leads"][row["name"]]} if row["name"] in figures["leads"] else {}
    fields = [Field("", lambda row: str(row["name"]))]
    for name, title in ((name, title) for name, title in MEASURES.items() if name in rows[0]):
        fields.append(Field(title, lambda row, name=name: f"{row[name]:.3f}", right=True))  # type: ignore[misc]
    fields.append(Field("95 %", lambda row: _interval(row, "ndcg@10"), right=True))
    fields.append(
        Field(f"NDCG's lead over {figures['beside']}", lambda row: _lead(row, "ndcg@10"), right=True, leaves=1)
    )
    print_table(screen, fields, rows)


def show_models(screen: PlainConsole, report: dict[str, Any], first: str) -> None:
    """Print the figures of all models, the interval of one measure, and the blend's lead in it."""
    rows = _with_lists(screen, report)
    for row in rows:
        row["lead"] = report["differences"][row["name"]]
    measures = [name for name in MEASURES if name in report["blend"]]
    fields = [Field("", lambda row: str(row["name"]))]
    for name in sorted(measures, key=lambda name: name != first):
        fields.append(Field(MEASURES[name], lambda row, name=name: f"{row[name]:.3f}", right=True))  # type: ignore[misc]
        if name == first:
            fields.append(Field("95 %", lambda row: _interval(row, first), right=True))
    fields += [
        Field("coverage", lambda row: f"{row['coverage']:.3f}", right=True, leaves=1),
        Field("blend's lead", lambda row: _lead(row, first), right=True, leaves=2),
    ]
    for key, (title, form) in COSTS.items():
        if key in report["blend"]:
            cell = lambda row, key=key, form=form: format(row[key], form) if key in row else ""  # noqa: E731
            fields.append(Field(title, cell, right=True, leaves=3))
    print_table(screen, fields, [*rows, {"name": "blend", **report["blend"]}])


def show_calibration(screen: PlainConsole, calibration: dict[str, Any]) -> None:
    """Print what was said of the blend's recommendations and what was true."""
    if not calibration["recommendations"]:
        screen.print("confidence: no recommendation to judge it by")
        return
    screen.print(
        f"confidence of {calibration['recommendations']:,} recommendations: expected calibration error "
        f"{calibration['ece']:.4f}, Brier score {calibration['brier']:.5f} (a constant's: "
        f"{calibration['brier_constant']:.5f})"
    )
    fields = [
        Field("recommendations", lambda row: f"{row['recommendations']:,}", right=True),
        Field("said", lambda row: f"{row['said']:.4f}", right=True),
        Field("true", lambda row: f"{row['true']:.4f}", right=True),
    ]
    print_table(screen, fields, calibration["groups"])


def _interval(row: Row, measure: str) -> str:
    bounds = row[f"{measure} 95 %"]
    return f"{bounds[0]:.3f}–{bounds[1]:.3f}" if bounds else ""


def _lead(row: Row, measure: str) -> str:
    """Return the blend's figure minus this row's, and its interval if it has one; nothing in the blend's own row."""
    if "lead" not in row:
        return ""
    lead, bounds = row["lead"][measure], row["lead"][f"{measure} 95 %"]
    return f"{lead:+.3f} ({bounds[0]:+.3f}…{bounds[1]:+.3f})" if bounds else f"{lead:+.3f}"
