"""Servers are killed and emptied under load and every answer stays exact: the short form of ``make crash``."""

from pathlib import Path

import pytest

from tests.crash.campaign import short_on_servers
from tests.crash.plant import plant
from tests.crash.short import SEED, done, say

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.deep, pytest.mark.timeout(2400)]


@pytest.mark.redis
@pytest.mark.cassandra
def test_killed_and_emptied_servers_leave_every_answer_exact(tmp_path: Path) -> None:
    with plant("cassandra+redis", tmp_path, SEED, say) as made:
        short_on_servers(made)
        done(made, kills=2)
