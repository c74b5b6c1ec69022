"""The soak finds what it looks for; in short it is run as a whole."""

import math
import random
from pathlib import Path

import pytest

from tests.soak.load import Load
from tests.soak.memory import MIB, Samples, trend
from tests.soak.run import JUDGED, Soak, report

# In so short a time: a line through few samples says little, and clients that share the cores may send less than twice.
UNSURE = ("the memory of", "nothing was shed")
SECONDS = [2.0 * n for n in range(300)]


def test_memory_that_wavers_is_level_and_one_that_leaks_is_not() -> None:
    rng = random.Random(7)
    wavering = [300 * MIB + 5 * MIB * math.sin(n / 9) + rng.gauss(0, 4 * MIB) for n in range(300)]
    leaking = [value + 0.2 * MIB * n for n, value in enumerate(wavering)]
    assert trend(SECONDS, wavering).is_level
    steep = trend(SECONDS, leaking)
    assert not steep.is_level
    assert steep.low < 0.1 * MIB < steep.high  # per second
    assert "MiB per minute" in str(steep)


def test_a_part_that_is_started_again_has_no_memory_before() -> None:
    parts: dict[str, list[int]] = {"one": [1]}
    samples = Samples(lambda: parts)
    samples.take()
    parts["two"] = [2**30]  # there is no such process
    samples.take()
    assert (len(samples.values["one"]), samples.values["two"]) == (2, [0.0, 0.0])


def test_an_acknowledged_event_that_is_not_in_the_log_is_lost_and_no_other_one() -> None:
    load = Load(0, acknowledged=bytearray([1, 0, 1, 0]))
    assert load.lost(["soak-0", "soak-1", "soak-2", "soak-2", "another"]) == 0
    assert load.lost(["soak-1", "soak-2"]) == 1


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.deep
def test_twice_the_load_is_shed_with_a_remedy_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    done = Soak(tmp_path, print, seconds=20, times=2, workers=1).run()
    print(report(done))
    assert [why for why in done.broken if not why.startswith(UNSURE)] == []
    assert all(done.trends[name].slope * 20 < 64 * MIB for name in JUDGED), report(done)
