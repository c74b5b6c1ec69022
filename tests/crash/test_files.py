"""Both layers on files are killed under load and every answer stays exact: the short form of ``make crash``."""

from pathlib import Path

import pytest

from tests.crash.campaign import short_on_files
from tests.crash.plant import plant
from tests.crash.short import SEED, done, say

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow, pytest.mark.deep, pytest.mark.timeout(2400)]


def test_both_layers_killed_at_each_step_and_at_random_stay_exact(tmp_path: Path) -> None:
    with plant("sqlite+sqlite", tmp_path, SEED, say) as made:
        short_on_files(made)
        done(made, kills=5)
