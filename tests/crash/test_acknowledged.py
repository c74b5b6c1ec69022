"""What a client was acknowledged is in the log and in answers, whatever process is killed meanwhile."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from adapters.log.kafka_log import Log
from adapters.machine.children import free_port
from tests.kit.commands import Commands
from tests.kit.processes import descendants
from tests.kit.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.deep]
POSTERS = 8


@dataclass
class Shop:
    """``serve`` with two workers and a speed layer, each a process that may be killed."""

    commands: Commands
    port: int
    log: Log
    acknowledged: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    @contextmanager
    def running(self, *words: str) -> Iterator[int]:
        log = self.commands.folder / f"{words[0]}.log"
        with self.commands.started(*words, log=log) as process:
            yield process.pid
            if words[0] == "serve" and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0

    @contextmanager
    def serving(self) -> Iterator[int]:
        with self.running("serve", "--port", str(self.port), "--workers", "2") as pid:
            until(self.answers)
            yield pid

    def answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", timeout=20).status_code == 200
        return False

    def post_on(self, number: int, ended: threading.Event) -> list[str]:
        """Post events one by one; returns the ids of those that were acknowledged, whatever happened to others."""
        ids: list[str] = []
        sent = 0
        while not ended.is_set():
            with suppress(httpx.TransportError), httpx.Client(base_url=self.url, timeout=60) as client:
                while not ended.is_set():
                    sent += 1
                    event = {"kind": "view", "user_id": f"u{number}", "item_id": f"i{sent % 7}"}
                    answer = client.post("/interactions", json=event)
                    assert answer.status_code in (202, 503), answer.text
                    if answer.status_code == 202:
                        ids += answer.json()["event_ids"]
        return ids

    @contextmanager
    def posting(self) -> Iterator[None]:
        ended = threading.Event()
        with ThreadPoolExecutor(POSTERS) as threads:
            posters = [threads.submit(self.post_on, number, ended) for number in range(POSTERS)]
            try:
                yield
            finally:
                ended.set()
            self.acknowledged += [event_id for poster in posters for event_id in poster.result()]

    def logged(self) -> set[str]:
        start, end = self.log.start_offsets(), self.log.end_offsets()
        return {
            json.loads(record.value or b"")["event_id"] for record in self.log.read(self.log.topics.events, start, end)
        }

    def wait_for_more(self, count: int) -> None:
        """Wait until that many more events are in the log."""
        upto = sum(self.log.end_offsets().values()) + count
        until(lambda: sum(self.log.end_offsets().values()) >= upto)


@pytest.fixture
def shop(tmp_path: Path, kafka_bootstrap: str) -> Iterator[Shop]:
    prefix = f"acknowledged-{os.getpid()}-{time.time_ns()}-"
    env = {"MILLRACE_HOME": str(tmp_path / "home"), "MILLRACE_KAFKA": kafka_bootstrap, "MILLRACE_SPEED_ENGINE": "local"}
    commands = Commands(tmp_path, {**env, "MILLRACE_TOPIC_PREFIX": prefix})
    log = prefixed_log(kafka_bootstrap, prefix)
    yield Shop(commands, free_port(), log)
    commands.wait_until_none_is_left()


def prefixed_log(bootstrap: str, prefix: str) -> Log:
    from adapters.log.kafka_log import Topics

    made = Log(bootstrap, Topics.prefixed(prefix))
    made.ensure_topics(partitions=4)
    return made


def test_neither_a_killed_worker_nor_a_restart_under_load_loses_what_was_acknowledged(shop: Shop) -> None:
    with ExitStack() as stack:
        serving = stack.enter_context(shop.serving())
        with shop.posting():
            shop.wait_for_more(200)
            os.kill(min(descendants(serving)), signal.SIGKILL)
            shop.wait_for_more(200)
            stack.close()  # SIGTERM; its status is 0
            with shop.serving():
                shop.wait_for_more(200)
    assert len(shop.acknowledged) == len(set(shop.acknowledged)) > 400
    assert set(shop.acknowledged) <= shop.logged()


def test_at_least_holds_the_events_that_were_acknowledged_before_a_kill_of_the_speed_layer_and_of_a_worker(
    shop: Shop,
) -> None:
    with ExitStack() as stack:
        serving = stack.enter_context(shop.serving())
        speed = stack.enter_context(ExitStack())
        first = speed.enter_context(shop.running("speed", "run"))
        until(lambda: holds(shop, post(shop, "warm", "i0"), "warm", "i0"))
        for number in range(6):
            user, item = f"u{number}", f"i{number}"
            positions = post(shop, user, item)
            if number == 1:
                os.kill(first, signal.SIGKILL)
                speed.close()
                assert not holds(shop, post(shop, user, "later"), user, "later")  # 503, with what is missing
                speed.enter_context(shop.running("speed", "run"))
            if number == 3:
                os.kill(min(descendants(serving)), signal.SIGKILL)
            until(lambda: holds(shop, positions, user, item))  # noqa: B023 - called at once


def post(shop: Shop, user: str, item: str) -> dict[str, int]:
    event = {"kind": "view", "user_id": user, "item_id": item}
    answer = httpx.post(f"{shop.url}/interactions", json=event, timeout=60)
    assert answer.status_code == 202, answer.text
    positions: dict[str, int] = answer.json()["positions"]
    return positions


def holds(shop: Shop, positions: dict[str, int], user: str, item: str) -> bool:
    """Whether an answer is given within the wait; one that is given has the event."""
    at_least = ",".join(f"{partition}:{offset}" for partition, offset in positions.items())
    try:
        answer = httpx.get(f"{shop.url}/users/{user}/history", params={"at_least": at_least, "wait": "1s"}, timeout=60)
    except httpx.TransportError:  # its worker was killed
        return False
    if answer.status_code == 503:
        missing = answer.json().get("missing", {})  # none before the first view is there
        assert {partition: missing[partition]["at_least"] for partition in missing} == {
            partition: offset for partition, offset in positions.items() if partition in missing
        }
        return False
    assert answer.status_code == 200, answer.text
    assert item in [row["item_id"] for row in answer.json()["items"]]
    return True
