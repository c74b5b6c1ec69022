"""How long one waits: for a lookup command, from ``millrace demo`` to its first answer, from ``millrace up`` to ready.

All of it on a machine where everything is installed and compiled, as a second start finds it. The lookups are commands
of their own on the home that the last demo left, with no broker and no speed layer running; beside them the bare
interpreter and the import of NumPy, below which no lookup can be. What imports cost is Python's own ``-X importtime``,
the modules of a package together.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from adapters.broker.embedded import wait_until_stopped
from adapters.machine.children import free_port
from bench.setting import Findings, machine, seconds, spread

MILLRACE = [sys.executable, "-m", "millrace"]
LOOKUPS = ("similar", "recommend", "trending", "status")
PACKAGES_TOLD = 8
FIRST_ANSWER = "$ millrace"  # what the demo prints before it looks something up
UP_MARKS = {"broker": "log at", "answers": "ready:", "speed layer": "applying from"}
POLL_SECONDS = 0.02
LIMIT_SECONDS = 180


def run(demos: int = 3, ups: int = 5, lookups: int = 10, events: int = 20_000) -> dict[str, object]:
    """Return seconds as medians with spread."""
    findings = Findings({"machine": machine(), "events of the demo": events})
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        homes = [Path(folder) / f"demo-{number}" for number in range(demos)]
        findings |= _summary("demo", [_demo(home, events) for home in homes])
        os.environ["MILLRACE_HOME"] = str(homes[-1])
        findings |= _summary("up", [_up(homes[-1]) for _ in range(ups)])
        findings |= _lookups(lookups)
    return findings


def _summary(what: str, runs: list[dict[str, float]]) -> dict[str, object]:
    return {f"{what}: {name}, s": spread([run[name] for run in runs if name in run], 1) for name in runs[0]}


def _demo(home: Path, events: int) -> dict[str, float]:
    """Return seconds from the start to the first answer and to the end, and of each step."""
    with _started([*MILLRACE, "demo", "--events", str(events)], home) as (lines, _, began):
        times, step = dict[str, float](), ""
        for at, line in lines:
            if line.startswith("▶"):
                step = _named(line[2:])
            elif line.strip().startswith("done in"):
                times[f"step '{step}'"] = float(line.split()[2])
            elif FIRST_ANSWER in line:
                times.setdefault("to the first answer", at - began)
        times["to the end, verify included"] = time.monotonic() - began
    wait_until_stopped(home)
    return dict(sorted(times.items(), key=lambda entry: entry[0].startswith("step")))


def _named(step: str) -> str:
    """Return a step's title without the numbers that differ from run to run."""
    return re.sub(r"[\d,]+ ", "", step).split(":")[0].strip()


def _up(home: Path) -> dict[str, float]:
    """Return seconds until broker, first answer and speed layer are there, and until a first event counts."""
    port = free_port()
    times = dict[str, float]()
    with _started([*MILLRACE, "up", "--port", str(port)], home) as (lines, process, began):
        watcher = threading.Thread(target=_first_ready, args=(port, began, times))
        watcher.start()
        for at, line in lines:
            for name, mark in UP_MARKS.items():
                if mark in line:
                    times.setdefault(f"to {name}", at - began)
            if len(times) >= len(UP_MARKS) + 1:
                break
        watcher.join()
        times["first event, acknowledgement to answer"] = _event_to_answer(port)
        times["second event, acknowledgement to answer"] = _event_to_answer(port)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    wait_until_stopped(home)
    return times


def _first_ready(port: int, began: float, times: dict[str, float]) -> None:
    while time.monotonic() < began + LIMIT_SECONDS:
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/ready", timeout=1):
            times["to ready"] = time.monotonic() - began
            return
        time.sleep(POLL_SECONDS)


def _event_to_answer(port: int) -> float:
    base, before = f"http://127.0.0.1:{port}/api/v1", _reached(port)
    body = json.dumps({"user_id": "user-0", "item_id": "bench", "kind": "view"}).encode()
    with urlopen(Request(f"{base}/interactions", body, {"content-type": "application/json"}), timeout=60):  # noqa: S310 - our own server
        acknowledged = time.monotonic()
    while _reached(port) <= before and time.monotonic() < acknowledged + LIMIT_SECONDS:
        time.sleep(POLL_SECONDS)
    return time.monotonic() - acknowledged


def _reached(port: int) -> int:
    with urlopen(f"http://127.0.0.1:{port}/api/v1/trending", timeout=60) as answer:
        offsets: dict[str, int] = json.load(answer)["fresh_to"]["offsets"]
    return sum(offsets.values())


def _lookups(times: int) -> dict[str, object]:
    item = _output([*MILLRACE, "trending", "--json"])["items"][0]["item_id"]
    words = {"similar": [item], "recommend": ["user-0"]}
    numpy = seconds(lambda: _output([sys.executable, "-c", "import numpy; print(0)"]), times)
    bare = seconds(lambda: _output([sys.executable, "-c", "print(0)"]), times)
    findings: dict[str, object] = {
        "python alone, ms": spread([1000 * elapsed for elapsed in bare], 0),
        "python and numpy, ms": spread([1000 * elapsed for elapsed in numpy], 0),
    }
    for name in LOOKUPS:
        command = [*MILLRACE, name, *words.get(name, [])]
        took = seconds(lambda command=command: _output([*command, "--json"]), times)  # type: ignore[misc]
        findings[f"millrace {name}, ms"] = spread([1000 * elapsed for elapsed in took], 0)
        findings[f"millrace {name}, times python and numpy"] = round(
            statistics.median(took) / statistics.median(numpy), 2
        )
    costs = _imports([*MILLRACE[1:], "similar", item, "--json"]).most_common(PACKAGES_TOLD)
    return findings | {"imports of similar, ms": ", ".join(f"{name} {ms:.0f}" for name, ms in costs)}


def _imports(arguments: list[str]) -> Counter[str]:
    """Return milliseconds of each package's modules, with Python's measuring, which costs some itself."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost = Counter[str]()
    for own, name in re.findall(r"import time: +(\d+) \| +\d+ \| +(\S+)", done.stderr):
        cost[name.split(".")[0]] += int(own) / 1000  # type: ignore[assignment]
    return cost


def _output(command: list[str]) -> Any:
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


@contextmanager
def _started(
    command: list[str], home: Path
) -> Iterator[tuple[Iterator[tuple[float, str]], "subprocess.Popen[str]", float]]:
    """Provide the command's lines, each with the moment it came, its process, and when it was started."""
    env = os.environ | {"MILLRACE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        yield _lines(process.stdout), process, began
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        with process.stdout as rest:
            rest.read()
        process.wait(60)


def _lines(output: IO[str]) -> Iterator[tuple[float, str]]:
    for line in output:
        yield time.monotonic(), line
