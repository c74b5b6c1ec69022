"""How far a proof is, in a file for whoever shows it; a proof without such a file is not slower for it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from adapters.broker.home import replace_text
from serving_layer.proof.report import Report

WRITTEN_EVERY_SECONDS = 0.2


class Watched:
    """Writes the state of one proof; ``path`` None: nothing. Used as a block, so that an error is written as well."""

    def __init__(self, path: Path | None, say: Callable[[str], None]) -> None:
        self._path, self._say, self._written_at = path, say, 0.0
        self._state: dict[str, Any] = {
            "outcome": "running", "phase": "starting", "sums": 0, "mismatches": 0, "events": 0,
            "began_at": time.time_ns() // 1_000_000, "ended_at": None, "error": "", "examples": [],
        }  # fmt: skip

    def __enter__(self) -> "Watched":
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._end("failed", error=str(error))

    def say(self, text: str) -> None:
        """Report what is being done."""
        self._say(text)
        self._state["phase"] = text
        self._write()

    def reached(self, report: Report) -> None:
        """Note how much was compared."""
        self._state |= {"sums": report.sums, "mismatches": report.mismatches, "events": report.events}
        if time.monotonic() - self._written_at >= WRITTEN_EVERY_SECONDS:
            self._write()

    def ended(self, report: Report) -> Report:
        """Note the result, and return it."""
        self._end("proved" if report.proved else "mismatches", **report.as_json())
        return report

    def _end(self, outcome: str, **more: Any) -> None:
        self._state |= {"outcome": outcome, "ended_at": time.time_ns() // 1_000_000, "phase": "", **more}
        self._write()

    def _write(self) -> None:
        self._written_at = time.monotonic()
        if self._path is not None:
            replace_text(self._path, json.dumps(self._state))
