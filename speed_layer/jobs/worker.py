"""A worker process of the local engine: ``python -m speed_layer.jobs.worker NUMBER``, of a socket that it inherits."""

import sys

from adapters.engine.pool import serve
from adapters.machine.spared import spare_pandas, spare_scipy
from speed_layer.jobs.tasks import Worker
from speed_layer.warm_up import rehearse

if __name__ == "__main__":
    spare_pandas()
    spare_scipy()
    rehearse()
    serve(int(sys.argv[-1]), Worker().work)
