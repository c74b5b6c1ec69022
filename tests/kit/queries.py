"""What a Prometheus expression names, checked against the tables of metrics."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core.telemetry.families import FAMILIES, Family
from serving_layer.answers.measures import MEASURED, MEASURES

BY = re.compile(r"\bby \(([^)]*)\)")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"")
NAME = re.compile(r"\b(?:millrace_\w+|up)\b")
OF_TARGET = {"job", "instance"}  # labels that Prometheus adds


def samples() -> dict[str, set[str]]:
    """Each name of a sample that a scrape may hold, with its labels."""
    families: list[Family] = [*FAMILIES.values(), MEASURED, *(family for family, _ in MEASURES)]
    names = {"up": OF_TARGET}
    for family in families:
        labels = {*family.labels, *OF_TARGET}
        if family.kind == "histogram":
            names |= {f"{family.name}_{part}": labels for part in ("sum", "count")}
            names[f"{family.name}_bucket"] = labels | {"le"}
        else:
            names[family.name] = labels
    return names


def faults(expression: str) -> Iterator[str]:
    """What the expression names that does not exist."""
    known = samples()
    named = NAME.findall(expression)
    yield from (f"no metric {name}" for name in named if name not in known)
    if not named:
        yield "it names no metric"
    labels = {label for name in named for label in known.get(name, ())}
    grouped = {label.strip() for group in BY.findall(expression) for label in group.split(",")}
    yield from (f"no label {label}" for label in (grouped | set(MATCHER.findall(expression))) - labels)
    if expression.count("(") != expression.count(")") or expression.count("{") != expression.count("}"):
        yield "its brackets do not match"


def promtool(*arguments: str | Path, cwd: Path | None = None) -> str:
    """What promtool says; the test is skipped where it is not installed, and says what was checked instead."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not on PATH (Debian: the package prometheus): names and labels alone were checked")
    command: Sequence[str] = [tool, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
