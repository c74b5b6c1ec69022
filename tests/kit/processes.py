"""Processes that a test did not start itself: found in /proc, known by their command lines."""

from contextlib import suppress
from pathlib import Path

MARKS = {  # in their command lines
    "engine": b"org.apache.spark.deploy.SparkSubmit",
    "worker": b"\0pyspark.daemon",
    "helper": b"\0speed_layer.jobs.worker",
}


def descendants(pid: int) -> list[int]:
    """All processes below it, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(folder.name))
    below = children.get(pid, [])
    for child in below:
        below.extend(children.get(child, []))
    return below


def command_line(pid: int) -> bytes:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "cmdline").read_bytes()
    return b""
