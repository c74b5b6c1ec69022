"""What is done to a plant, one function each: the blow, the documented way back, and the proof that all is exact."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adapters.settings import Settings
from adapters.stores import Book
from adapters.stores.opened import speed_views
from schemas.errors import StoreUnavailable
from tests.crash.plant import Plant
from tests.kit.waiting import until

SPEED_STEPS = ("planned", "registered", "written", "committed")
BATCH_STEPS = ("boundary", "ingested", "computed", "gated", "published", "dropped")
APPLYING, PUBLISHED = "applying from", "published generation"
OTHER_WAS_FASTER = ("a batch run already runs", "a batch run was started at the same moment")
VICTIMS = ("driver", "driver", "driver", "engine", "worker")  # of the speed layer, by how often


def two_batch_runs_at_once(made: Plant) -> None:
    """Of one instant, into an empty lake: one publishes; the other says that there is one already."""
    with ExitStack() as stack:
        logs = [made.folder / f"batch-{number}.log" for number in range(2)]
        runs = [stack.enter_context(made.commands.started("batch", "run", log=log)) for log in logs]
        ends = [run.wait(240) for run in runs]
    texts = [log.read_text() for log in logs]
    assert 0 in ends, texts
    for end, text in zip(ends, texts, strict=True):
        sentences = [line for line in text.splitlines() if line.startswith("millrace: ")]
        if end:
            assert end == 1, text
            assert "Traceback" not in text, text
            assert any(reason in sentences[-1] for reason in OTHER_WAS_FASTER), text
            made.batch.ends.append(f"one of two batch runs: {sentences[-1]}")
    made.say(f"{made.pair}: two batch runs at once ended with {ends}")
    made.judge.check(degraded=("speed",))


def speed_dies_at_each_step(made: Plant, *steps: str) -> None:
    """One life for each step; what is left behind each time is judged before the next life is through."""
    made.speed.faults.extend(steps or SPEED_STEPS)
    made.speed.kill()
    made.speed.kept = True
    made.speed.wait_for_the_faults()
    made.judge.check()
    made.recovered("the speed layer killed at each step")


def speed_dies_at_random(made: Plant) -> None:
    """At any instant of its life: now and then while it starts, mostly under load."""
    victim = made.rng.choice(VICTIMS)
    if made.rng.random() < 0.2:
        time.sleep(made.rng.uniform(0, 6))
        victim = "driver"
    else:
        made.speed.wait_until_it_says(APPLYING)
        time.sleep(made.rng.uniform(0, 5))
    made.speed.kill(victim)
    upto = made.judge.check()
    made.say(f"{made.pair}: the speed layer's {victim} killed; {sum(upto.values()):,} records exact")


def speed_views_lost(made: Plant, running: bool) -> None:
    """Under the running layer, or while it is stopped; then its next life ends while it begins the epoch, too."""
    made.note_attempts()
    before = made.judge.control.epoch
    with made.reader.rebuilding():
        if not running:
            made.speed.stop()
            made.speed.faults.append("epoch")
        lose(made, "speed")
        made.lost["speed views"] += 1
        made.speed.kept = True
        if not running:
            made.speed.wait_for_the_faults()
        made.recovered(f"speed views lost {'under the running' if running else 'of a stopped'} layer")
    assert made.judge.control.epoch > before


def batch_views_lost(made: Plant) -> None:
    """Both running layers lose it; each starts over by itself, from the lake and the log."""
    made.note_attempts()
    with made.reader.rebuilding():
        lose(made, "batch")
        made.lost["batch views"] += 1
        made.recovered("batch views lost")
        until(lambda: made.judge.control.active is not None, why=made.last_words)
        made.recovered("batch views lost, up to the next generation")


@contextmanager
def no_batch_run(made: Plant) -> Iterator[None]:
    """None runs in the block, and what ran is passed: two that publish while the speed layer is away begin an epoch."""
    kept, made.batch.kept = made.batch.kept, False
    until(lambda: not made.batch.runs, why=made.last_words)
    made.recovered("the last batch run")
    yield
    made.batch.kept = kept


def checkpoint_lost(made: Plant, running: bool) -> None:
    """Spark's own memory of the stream: it must count for nothing."""
    made.speed.wait_until_it_says(APPLYING)
    with no_batch_run(made):
        before = made.judge.control.epoch
        if not running:
            made.speed.kill()
            made.speed.kept = False
        shutil.rmtree(made.judge.settings.home / "speed", ignore_errors=True)
        made.lost["checkpoint"] += 1
        made.speed.kept = True
        made.recovered(f"the checkpoint lost {'under the running' if running else 'of a dead'} layer")
        assert made.judge.control.epoch == before


def store_killed(made: Plant, side: str) -> None:
    """Its data stays, so nothing starts over."""
    with no_batch_run(made):
        before = made.judge.control.epoch
        made.stores[side].kill()
        made.lost[f"{side} store killed"] += 1
        time.sleep(made.rng.uniform(0, 3))
        made.stores[side].start()
        made.recovered(f"the {side} store killed")
        assert made.judge.control.epoch == before


def broker_killed(made: Plant) -> None:
    """Its data stays: every acknowledged record is there, which the end of the run compares."""
    made.broker.kill()
    made.lost["broker killed"] += 1
    time.sleep(made.rng.uniform(0, 3))
    made.broker.start()
    made.recovered("the broker killed")


def broker_lost(made: Plant) -> None:
    """Without its data it is another log: both layers refuse it, until the log is brought back. No load meanwhile."""
    made.speed.stop()
    made.batch.stop()
    made.broker.kill()
    data, kept = made.broker.home / "kafka" / "data", made.folder / "log-brought-back"
    data.rename(kept)
    made.broker.start()
    made.lost["broker's log"] += 1
    for words in (("speed", "run", "--available-now"), ("batch", "run")):
        assert "another log" in made.commands.refused(*words)
    made.broker.kill()
    shutil.rmtree(data)
    kept.rename(data)
    made.broker.start()
    made.speed.kept = True
    made.recovered("the broker's log lost and brought back")


def serving_killed(made: Plant) -> None:
    """It holds nothing that could be lost."""
    before = len(made.reader.answers)
    made.serving.kill()
    until(lambda: len(made.reader.answers) > before + 3, why=made.last_words)
    made.judge.check()


def second_speed_layer(made: Plant) -> None:
    """It takes over from a suspended first one, which finds itself displaced when it wakes, and may then not return."""
    made.speed.wait_until_it_says(APPLYING)
    first, log = made.speed.process, made.folder / "second.log"
    assert first is not None
    suspend(made, first)
    with made.commands.started("speed", "run", log=log) as second:
        until(lambda: APPLYING in log.read_text(), why=log.read_text)
        made.recovered("a second speed layer took over from a suspended one")
        made.speed.kept = False
        first.send_signal(signal.SIGCONT)
        until(lambda: first.poll() is not None, why=made.last_words)
        assert first.returncode == 1, made.speed.said()
        assert "took over" in made.speed.said() or "has taken over" in made.speed.said(), made.speed.said()
        assert made.judge.position.owner.split(":")[1] == str(second.pid)
        second.kill()
        second.wait()
    made.speed.kills["driver"] += 1
    made.speed.kept = True
    made.recovered("the first speed layer came back after the second was killed")


def suspend(made: Plant, process: "subprocess.Popen[bytes]") -> None:
    """Not in the middle of a transaction on a file: that would keep everybody else out, as the file's lock is its."""
    probe, store = Book("probe"), speed_views(made.judge.settings)
    while True:
        process.send_signal(signal.SIGSTOP)
        try:
            store.swap(probe, store.record(probe), b"taken")
            return
        except StoreUnavailable:
            process.send_signal(signal.SIGCONT)
            time.sleep(made.rng.uniform(0.1, 0.5))


def lose(made: Plant, side: str) -> None:
    """Whatever the store of that side holds: a file, or all data of a server that was killed."""
    if side in made.stores:
        made.stores[side].kill()
        made.stores[side].lose()
        made.stores[side].start()
        return
    for path in _files(made.judge.settings, side):
        path.unlink(missing_ok=True)


def _files(settings: Settings, side: str) -> list[Path]:
    url = (settings.batch_views_url if side == "batch" else settings.speed_views_url).reveal()
    return [Path(url.removeprefix("sqlite:///") + end) for end in ("", "-wal", "-shm")]
