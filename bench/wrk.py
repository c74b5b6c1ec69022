"""wrk, the load tool that the section ``http`` runs: one run, and what it measured."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MISSING = "wrk is missing: install the package wrk (Debian and Ubuntu: `apt-get install wrk`), then run this again"
SCRIPT = """
local requests, at = {{}}, {at}
for line in io.lines("{file}") do table.insert(requests, line) end
request = function()
  at = at % #requests + 1
  {request}
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("measured %d %d %f %f %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
"""
GET = "return wrk.format('GET', requests[at])"
POST = "return wrk.format('POST', '{path}', {{['Content-Type'] = 'application/json'}}, requests[at])"
SPREAD = 101  # requests between the first ones of two runs: none of them asks the same ones first


class Measured(NamedTuple):
    """One run: answers and failures, per second and in all; milliseconds."""

    per_second: float
    p50: float
    p99: float
    answers: int
    failed: int


@dataclass(frozen=True)
class Load:
    """Requests that one run repeats in turn: paths, or with ``posts_to`` the bodies that go to that path."""

    lines: Sequence[str]
    posts_to: str = ""

    def run(self, url: str, connections: int, seconds: int, folder: Path, number: int = 0) -> Measured:
        """Ask over that many connections, each of which awaits an answer before it asks again."""
        file, script = folder / "requests.txt", folder / "wrk.lua"
        file.write_text("\n".join(self.lines))
        ask = POST.format(path=self.posts_to) if self.posts_to else GET
        script.write_text(SCRIPT.format(file=file, request=ask, at=number * SPREAD % len(self.lines)))
        words = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", str(script), url]
        done = subprocess.run([tool(), *words], capture_output=True, text=True, check=True)
        line = next(line for line in done.stdout.splitlines() if line.startswith("measured "))
        answers, microseconds, p50, p99, failed = map(float, line.split()[1:])
        return Measured(answers / microseconds * 1e6, p50 / 1000, p99 / 1000, int(answers), int(failed))


def tool() -> str:
    """Return where wrk is; ends with a sentence where it is missing."""
    return shutil.which("wrk") or sys.exit(MISSING)


def interactions(users: Sequence[str], items: Sequence[str], length: int, count: int, seed: int) -> list[str]:
    """Return ``count`` bodies of one event, or lists of ``length`` events; ids and times are left to the server."""
    rng = random.Random(seed)
    events = [
        {"kind": "view", "user_id": rng.choice(users), "item_id": rng.choice(items)} for _ in range(length * count)
    ]
    return [
        json.dumps(events[at] if length == 1 else events[at : at + length]) for at in range(0, length * count, length)
    ]  # fmt: skip
