"""A Spark cluster of this machine's processes, and the speed layer on it as a process: ``python -m bench.cluster``."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adapters.machine.children import Child, free_port, last_lines, listening, start

MEMORY, READY_SECONDS = "1g", 60
ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def spark_cluster(workers: int, home: Path, packages: Path | None = ROOT) -> Iterator[str]:
    """Run a standalone master and that many workers with one core each; yields the master's URL.

    Args: packages: where executors find ours; None: only in what a job brings along.
    """
    import pyspark

    spark_class, port = Path(pyspark.__file__).parent / "bin" / "spark-class", free_port()
    url, env = f"spark://127.0.0.1:{port}", _environment() | {"PYTHONPATH": str(packages or "")}
    master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port)]
    with ExitStack() as stack:

        def running(name: str, words: list[str], ready: Callable[[Child], bool]) -> None:
            command = [str(spark_class), *words, "--webui-port", str(free_port())]
            started = start(name, command, home / f"{name}.log", env=env)
            stack.callback(started.stop)
            started.wait_until(lambda: ready(started), READY_SECONDS)

        running("master", master, lambda _: listening(port))
        for number in range(workers):
            options = ["--cores", "1", "--memory", MEMORY, "--work-dir", str(home / f"work-{number}")]
            worker = ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", *options, url]
            running(f"worker-{number}", worker, _registered)
        yield url


def _registered(worker: Child) -> bool:
    return b"Successfully registered" in worker.log.read_bytes()


def _environment() -> dict[str, str]:
    """Return the environment of a worker, which its executors inherit."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}


def applied(home: Path, past: int, **variables: str) -> list[float]:
    """Return events a second of the speed layer as its own process over all of the log, after the first ``past``."""
    env = _environment() | {"MILLRACE_HOME": str(home)} | variables
    log = home / "applied.log"
    with log.open("ab") as errors:
        done = subprocess.run(
            [sys.executable, "-m", "bench.cluster", str(past)], env=env, stdout=subprocess.PIPE, stderr=errors,
            check=False,
        )  # fmt: skip
    if done.returncode:
        raise ChildProcessError(f"the speed layer ended with {done.returncode}:\n{last_lines(log, 30)}")
    rates: list[float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def main(past: int) -> None:
    """Apply the log of the home that the environment names; print the rates."""
    from adapters.broker.opening import open_log
    from adapters.engine.session import open_session
    from adapters.settings import load_settings
    from bench.sections.throughput import apply

    settings = load_settings()
    with open_log(settings) as log:
        print(json.dumps(apply(open_session(settings, "bench"), log, settings).rates(past)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
