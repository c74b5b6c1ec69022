"""``python -m bench [SECTION [NAME=VALUE …] …]``: run benchmarks, print their figures as JSON, keep them as tables.

``python -m bench growth earlier=100000,500000 batches=2`` gives arguments of the section's ``run``; lists by commas.
"""

import importlib
import inspect
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECTIONS = (
    "throughput",
    "counters",
    "freshness",
    "batch",
    "incremental",
    "lookups",
    "http",
    "columns",
    "start",
    "resident",
    "growth",
    "relay",
    "nearest",
    "meanings",
)
TABLES = Path("build/bench")


def main() -> None:
    words, wanted = sys.argv[1:], dict[str, list[str]]()
    for word in words:
        if "=" not in word:
            wanted[word] = []
        elif wanted:
            wanted[next(reversed(wanted))].append(word)
    unknown = sorted(set(wanted) - set(SECTIONS))
    if unknown or (words and not wanted):
        sys.exit(f"there is no section {unknown or words}; known are {', '.join(SECTIONS)}")
    for name, given in (wanted or {section: [] for section in SECTIONS}).items():
        run = importlib.import_module(f"bench.sections.{name}").run
        began = time.monotonic()
        findings = run(**arguments(run, given)) | {"seconds of this section": round(time.monotonic() - began)}
        print(f"{name}: {json.dumps(findings, indent=1)}", flush=True)
        TABLES.mkdir(parents=True, exist_ok=True)
        (TABLES / f"{name}.md").write_text(table(name, findings), encoding="utf-8")


def arguments(run: Callable[..., dict[str, Any]], given: list[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` in the types of the defaults of ``run``."""
    defaults, out = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()}, {}
    for word in given:
        name, _, text = word.partition("=")
        if name not in defaults:
            sys.exit(f"no argument {name!r}; there are {', '.join(defaults)}")
        like = defaults[name]
        if isinstance(like, tuple):
            out[name] = tuple(type(like[0])(part) for part in text.split(","))
        else:
            out[name] = type(like)(text)
    return out


def table(name: str, findings: dict[str, Any]) -> str:
    """Return two columns in Markdown; lists with slashes between their parts."""
    rows = [f"| {what} | {_plain(value)} |" for what, value in findings.items()]
    return "\n".join([f"## {name}", "", "| what | measured |", "| --- | --- |", *rows, ""])


def _plain(value: Any) -> str:
    return " / ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)


if __name__ == "__main__":
    main()
