"""One blow after another on one plant: short for `make test-deep`, complete for `make crash`."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from adapters.machine.beside import beside
from tests.crash.blows import (
    BATCH_STEPS,
    PUBLISHED,
    batch_views_lost,
    broker_killed,
    broker_lost,
    checkpoint_lost,
    second_speed_layer,
    serving_killed,
    speed_dies_at_each_step,
    speed_dies_at_random,
    speed_views_lost,
    store_killed,
    two_batch_runs_at_once,
)
from tests.crash.plant import Plant, until_ready

Blow = Callable[[Plant], None]


def short_on_files(made: Plant) -> None:
    """A kill at each step of both layers and one at random, and the checkpoint lost."""
    two_batch_runs_at_once(made)
    with under_load(made):
        made.batch.faults.extend(BATCH_STEPS)
        made.batch.kept = True
        speed_dies_at_each_step(made)
        checkpoint_lost(made, running=True)
        at_random(made, 1)
        made.batch.wait_for_the_faults()
        made.batch.wait_until_it_says(PUBLISHED)
        made.batch.stop()
        made.finish()


def short_on_servers(made: Plant) -> None:
    """Each server killed, the batch store emptied, and two kills at random."""
    made.batch.kept = True
    made.batch.wait_until_it_says(PUBLISHED)
    with under_load(made):
        made.speed.kept = True
        made.recovered("the start")
        for side in ("speed", "batch"):
            store_killed(made, side)
        serving_killed(made)
        broker_killed(made)
        batch_views_lost(made)
        at_random(made, 2)
        made.batch.stop()
        made.finish()


def whole(made: Plant, kills: int) -> None:
    """Every blow, in an order that follows from the seed, between kills of the speed layer at random."""
    two_batch_runs_at_once(made)
    chosen = every_blow(made)
    made.rng.shuffle(chosen)
    between = [kills // len(chosen) + (number < kills % len(chosen)) for number in range(len(chosen))]
    with under_load(made):
        made.batch.kept = made.speed.kept = True
        made.recovered("the start")
        with batch_dies_again_and_again(made):
            for blow, count in zip(chosen, between, strict=True):
                at_random(made, count)
                blow(made)
        until_published(made)
        made.batch.stop()
        made.finish()
    broker_lost(made)
    made.judge.check_all_is_applied()


def every_blow(made: Plant) -> list[Blow]:
    chosen: list[Blow] = [
        speed_dies_at_each_step,
        partial(speed_views_lost, running=True),
        partial(speed_views_lost, running=False),
        partial(checkpoint_lost, running=True),
        partial(checkpoint_lost, running=False),
        batch_views_lost,
        broker_killed,
        broker_killed,
        serving_killed,
        serving_killed,
        second_speed_layer,
    ]
    return chosen + [partial(store_killed, side=side) for side in made.stores for _ in range(2)]


def at_random(made: Plant, count: int) -> None:
    """Kill the speed layer that many times; then everything becomes whole again."""
    for _ in range(count):
        speed_dies_at_random(made)
    if count:
        made.recovered(f"{count} kills at random")


@contextmanager
def under_load(made: Plant) -> Iterator[None]:
    """Serving runs, the load is sent and the reader reads."""
    made.serving.kept = True
    until_ready(made)
    made.load.start()
    with made.reader.reading():
        yield


@contextmanager
def batch_dies_again_and_again(made: Plant) -> Iterator[None]:
    """A life that ends at a step, one that publishes and is killed some time after, or at random before."""
    over, rng, part = threading.Event(), random.Random(made.rng.random()), made.batch
    part.faults.extend(itertools.chain.from_iterable(zip(BATCH_STEPS, itertools.repeat(""), strict=False)))

    def harass() -> None:
        while not over.wait(0.2):
            life = part.lives
            if part.fault or not part.runs:
                continue
            deadline = time.monotonic() + (rng.uniform(5, 30) if rng.random() < 0.3 else 600)
            while not over.wait(0.2) and part.lives == life and PUBLISHED not in part.said():
                if time.monotonic() > deadline:
                    break
            over.wait(rng.uniform(0, 8))
            if part.lives == life and not over.is_set():
                part.kill()
                part.faults.extend((rng.choice(BATCH_STEPS), "") if not part.faults else ())

    with beside(harass, over.set, "batch is killed"):
        yield


def until_published(made: Plant) -> None:
    """A life of the batch layer without a fault publishes once more."""
    made.batch.faults.clear()
    if made.batch.fault:
        made.batch.wait_for_the_faults()
    made.batch.wait_until_it_says(PUBLISHED)


def summary(plants: list[Plant]) -> str:
    """What was done, what was counted and how long it took to be whole again, one column for each plant."""
    rows: list[tuple[str, list[str]]] = [("", [made.pair for made in plants])]
    names = ("speed layer", "batch run", "serving")
    rows += [(f"{name}: killed", [_kills(made, name) for made in plants]) for name in names]
    blows = sorted({name for made in plants for name in made.lost})
    rows += [(name, [str(made.lost[name]) for made in plants]) for name in blows]
    rows += [
        ("lives of the speed layer", [str(made.speed.lives) for made in plants]),
        ("attempts, of them repeated", [f"{m.attempts['made']:,}, {m.attempts['repeated']:,}" for m in plants]),
        ("epochs", [str(made.epochs) for made in plants]),
        ("generations that were read", [str(len(made.reader.generations - {None})) for made in plants]),
        ("events sent, all acknowledged", [f"{made.load.acknowledged:,}" for made in plants]),
        ("answers read", [_answers(made) for made in plants]),
        ("all views compared; verify run", [f"{made.judge.compared}; {made.verified}" for made in plants]),
        ("longest until whole again", [f"{max(itertools.chain(*m.recoveries.values())):.1f} s" for m in plants]),
        ("mismatches", [str(len(made.reader.wrong)) for made in plants]),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {'  '.join(f'{cell:58}' for cell in cells)}".rstrip() for name, cells in rows)


def _kills(made: Plant, name: str) -> str:
    kills = next(part for part in made.parts if part.name == name).kills
    return f"{kills.total()} ({', '.join(f'{whom} {count}' for whom, count in sorted(kills.items()))})"


def _answers(made: Plant) -> str:
    lacking = Counter(" and ".join(answer.degraded) for answer in made.reader.answers if answer.degraded)
    return f"{len(made.reader.answers):,}" + "".join(f", {count} without {what}" for what, count in lacking.items())
