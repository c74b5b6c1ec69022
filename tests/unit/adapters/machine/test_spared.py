"""A process that does without pandas and SciPy: the steps of a micro-batch load neither."""

import subprocess
import sys

from tests.kit.places import ROOT

REHEARSED = """
import sys
from adapters.machine.compiled import keep_compiled
keep_compiled()
from adapters.machine.spared import spare_pandas, spare_scipy
import speed_layer.jobs.local_engine
spare_pandas()
spare_scipy()
from speed_layer.warm_up import rehearse
rehearse()
print({"pandas", "scipy.linalg"} & set(sys.modules) or "none")
import pandas, scipy.linalg
print(pandas.Series([1]).sum())
"""


def test_a_micro_batch_needs_neither_pandas_nor_scipy_and_whoever_wants_them_later_has_them() -> None:
    done = subprocess.run([sys.executable, "-c", REHEARSED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["none", "1"], done.stderr
