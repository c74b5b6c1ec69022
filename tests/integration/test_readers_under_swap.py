"""Eight readers hammer recommend and similar while twenty generations are published and old ones are dropped."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.stores import ViewStore
from serving_layer.reading.answering import answer
from serving_layer.reading.following import followed
from serving_layer.reading.views import Views
from tests.kit.servers import new_database
from tests.kit.under_swap import ITEMS, READERS, USERS, Installation, Said, installed, judge, lookup, old_ones_are_gone


def read_on(views: Views, seed: int, ended: threading.Event) -> list[Said]:
    """One reader's answers in the order it got them, until all is over."""
    rng = random.Random(seed)
    out: list[Said] = []
    while not ended.is_set():
        about = rng.choice(USERS if len(out) % 2 else ITEMS)
        began = time.monotonic()
        body = answer(views, lambda snapshot, about=about: lookup(snapshot, about))  # type: ignore[misc]
        out.append(Said(about, time.monotonic() - began, body))
    return out


def hammer(installation: Installation) -> list[list[Said]]:
    """Return what each reader got while the installation lived; a reader that failed fails the test."""
    ended = threading.Event()
    # Each is shared by four threads, as in a server. The first is followed: most of its answers are from memory.
    shared = [patient(installation.world.batch, installation.world.speed) for _ in range(2)]
    with followed(shared[0]), ThreadPoolExecutor(READERS) as threads:
        readers = [threads.submit(read_on, shared[number % 2], number, ended) for number in range(READERS)]
        try:
            installation.live()
        finally:
            ended.set()
        return [reader.result() for reader in readers]


def patient(batch: ViewStore, speed: ViewStore) -> Views:
    """Eight readers on one core are slow, which is not what is asked about here."""
    return Views(batch, speed, patience_seconds=60.0)


def test_on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with installed(f"sqlite:///{tmp_path / 'b'}", f"sqlite:///{tmp_path / 's'}", monkeypatch) as installation:
        answers = hammer(installation)
        judge(installation, answers)
        old_ones_are_gone(installation)


@pytest.mark.deep
@pytest.mark.cassandra
@pytest.mark.redis
def test_on_cassandra_and_redis(cassandra_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with installed(cassandra_url, new_database(redis_url), monkeypatch) as installation:
        answers = hammer(installation)
        judge(installation, answers)
        old_ones_are_gone(installation)
