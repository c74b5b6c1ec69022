"""Eight readers over HTTP ask two workers while generations are swapped; a worker is killed in the middle of it."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from adapters.machine.children import free_port
from core.control.boundaries import reaches
from schemas.control import Offsets
from tests.kit.places import ROOT
from tests.kit.processes import descendants
from tests.kit.under_swap import (
    GENERATIONS,
    ITEMS,
    READERS,
    USERS,
    Installation,
    Said,
    installed,
    judge,
    old_ones_are_gone,
)
from tests.kit.waiting import until

pytestmark = pytest.mark.deep


@dataclass
class Heard:
    """What one connection was answered, in order; and the texts by what was asked and the prefix that they name."""

    said: list[Said] = field(default_factory=list)
    texts: list[tuple[tuple[object, ...], bytes]] = field(default_factory=list)

    def note(self, about: str, seconds: float, text: bytes) -> Offsets:
        body = json.loads(text)
        self.said.append(Said(about, seconds, body))
        where = json.dumps([body["generation"], body["segment"], body["fresh_to"]])
        self.texts.append(((about, where), text))
        return self.said[-1].offsets


@contextmanager
def workers(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """``serve`` with two of them over the stores of the test; the URL of the API once both have started."""
    port, log = free_port(), folder / "serve.log"
    env = {**os.environ, "MILLRACE_HOME": str(folder / "home"), "MILLRACE_KAFKA": "127.0.0.1:1"}
    env |= {"MILLRACE_BATCH_VIEWS": f"sqlite:///{folder / 'b'}", "MILLRACE_SPEED_VIEWS": f"sqlite:///{folder / 's'}"}
    env |= {"MILLRACE_STORE_TIMEOUT": "60s"}
    command = [sys.executable, "-m", "millrace", "serve", "--port", str(port), "--workers", "2"]
    with log.open("wb") as output, subprocess.Popen(command, stderr=output, env=env, cwd=ROOT) as serving:
        try:
            until(lambda: log.read_text().count("startup complete") == 2, why=log.read_text)
            yield f"http://127.0.0.1:{port}/api/v1", serving
        finally:
            serving.kill()


def read_on(url: str, seed: int, ended: threading.Event) -> list[Heard]:
    """One reader's answers, connection by connection; across connections it asks for at least what it has seen."""
    rng, out, offsets = random.Random(seed), [Heard()], Offsets()
    client = httpx.Client(base_url=url, timeout=120)
    while not ended.is_set():
        about = rng.choice(USERS if len(out[-1].said) % 2 else ITEMS)
        path = f"/recommendations/{about}" if about in USERS else f"/items/{about}/similar"
        seen = {} if out[-1].said else {"at_least": ",".join(f"{p}:{o}" for p, o in offsets.items()), "wait": "10s"}
        began = time.monotonic()
        try:
            answer = client.get(path, params=seen if offsets else {})
        except httpx.TransportError:  # its worker was killed: another one answers
            client.close()
            client = httpx.Client(base_url=url, timeout=120)
            out.append(Heard())
            continue
        assert answer.status_code == 200, answer.text
        before, offsets = offsets, out[-1].note(about, time.monotonic() - began, answer.content)
        assert reaches(offsets, before), f"went back from {before} to {offsets}"
    client.close()
    return out


def hammer(installation: Installation, url: str, serving: "subprocess.Popen[bytes]") -> list[Heard]:
    """Return what each connection was answered while the installation lived and one worker was killed."""
    ended = threading.Event()

    def kill_one() -> None:
        until(lambda: len(installation.made) > GENERATIONS // 2, 600)
        os.kill(min(descendants(serving.pid)), signal.SIGKILL)

    with ThreadPoolExecutor(READERS + 1) as threads:
        readers = [threads.submit(read_on, url, number, ended) for number in range(READERS)]
        killer = threads.submit(kill_one)
        try:
            installation.live()
        finally:
            ended.set()
        killer.result()
        return [heard for reader in readers for heard in reader.result()]


def test_two_workers_never_disagree_about_a_prefix_and_none_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = (f"sqlite:///{tmp_path / name}" for name in "bs")
    with installed(*places, monkeypatch) as installation, workers(tmp_path) as (url, serving):
        connections = hammer(installation, url, serving)
        judge(installation, [heard.said for heard in connections])
        old_ones_are_gone(installation)
    texts = defaultdict(set)
    times = defaultdict(int)
    for heard in connections:
        for where, text in heard.texts:
            texts[where].add(text)
            times[where] += 1
    assert {len(different) for different in texts.values()} == {1}
    assert max(times.values()) > 1
    assert len(connections) == READERS + READERS // 2  # half of them lost theirs, and came back
