"""Real parts are killed under load and every answer stays exact: the short form of what `make soak` does at length."""

import sys
from pathlib import Path

import pytest

from tests.crash.campaign import short_on_files, short_on_servers, summary
from tests.crash.plant import Plant, plant

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(1200)]
SEED = 1


def say(line: str) -> None:
    print(line, file=sys.stderr)


def done(made: Plant) -> None:
    say(summary([made]))
    assert made.speed.kills.total() >= 4


def test_both_layers_killed_at_each_step_and_at_random_stay_exact(tmp_path: Path) -> None:
    with plant("sqlite+sqlite", tmp_path, SEED, say) as made:
        short_on_files(made)
        done(made)


@pytest.mark.redis
@pytest.mark.cassandra
def test_killed_and_emptied_servers_leave_every_answer_exact(tmp_path: Path) -> None:
    with plant("cassandra+redis", tmp_path, SEED, say) as made:
        short_on_servers(made)
        done(made)
