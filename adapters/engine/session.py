"""A Spark session fit for Millrace: Kafka and Delta jars, one machine or a cluster by its master's URL."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from adapters.engine.errors import translated
from adapters.machine.compiled import NUMBA_LOCATORS, keep_compiled
from adapters.machine.home import prepare_home
from adapters.machine.jars import jar_paths
from adapters.settings import Settings
from schemas.errors import SettingsError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

logging.getLogger("py4j").addHandler(logging.NullHandler())  # what it logs when Java is gone is raised, too
# py4j logs a traceback on the root logger when Ctrl-C arrives while it waits.
logging.getLogger().addFilter(lambda record: not record.getMessage().startswith("KeyboardInterrupt while sending"))

# A spark-submit or a spark-defaults.conf may override each.
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "2",  # the default of 50 costs 5 s a commit on one machine
    # Parquet looks how large a page has become after 100 rows at the earliest: dead letters have up to 8 MiB.
    "spark.hadoop.parquet.page.size.row.check.min": "1",
    "spark.hadoop.parquet.block.size.row.check.min": "1",
    "spark.sql.session.timeZone": "UTC",
    # By size alone, and small: Java fills the same megabyte again and again while Python reads the one before.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "0",
    "spark.sql.execution.arrow.maxBytesPerBatch": "1m",
    "spark.python.worker.reuse": "true",  # a new worker imports NumPy, Arrow and Numba: 1 s
    "spark.speculation": "false",  # a guarded write is counted
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.task.maxFailures": "4",
    "spark.sql.streaming.metricsEnabled": "false",
    # The other manager asks for permissions, for which Hadoop starts a program: 50 ms a micro-batch.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.executorEnv.NUMBA_CACHE_LOCATOR_CLASSES": NUMBA_LOCATORS,
    # glibc in Python workers takes large arrays from memory that it holds, rather than from the system, which clears
    # every page of it first (a fifth of a large fold's time); what is free beyond half a GiB goes back.
    "spark.executorEnv.MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "spark.executorEnv.MALLOC_TRIM_THRESHOLD_": str(1 << 29),
}
# On one machine the work is done in Python and NumPy; the optimising Java compiler and a parallel collector only take
# processor time from it (measured: batch run 40 s of Java's processor time without, 23 s with; micro-batches equal).
# In a small run, Java mostly loads classes. It takes a seventh less when it does not verify those of our own checked
# jars, does not collect the whole heap each time their number has grown, and has room for young objects.
LOOPBACK = "127.0.0.1"
LOCAL_JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmn192m -XX:MetaspaceSize=256m "
    "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)


def local(master: str) -> bool:
    """Return whether the engine runs on this process's machine."""
    return master.startswith("local")


def require_reachable_views(settings: Settings, master: str) -> None:
    """Refuse views in local files when the engine runs on other machines, whose tasks would write their own files.

    Raises:
        SettingsError: says which settings to give (rule 13).
    """
    in_files = [url for url in (settings.batch_views_url, settings.speed_views_url) if url.scheme == "sqlite"]
    if in_files and not local(master):
        raise SettingsError(
            f"SQLite views cannot be reached by a Spark cluster ({master}): set MILLRACE_BATCH_VIEWS "
            "(cassandra://…) and MILLRACE_SPEED_VIEWS (redis://…)"
        )


def open_session(settings: Settings, name: str) -> "SparkSession":
    """Return the session of this process; under spark-submit the given one.

    Raises:
        SettingsError: no Java, or views that other machines cannot reach (rule 13).
    """
    from pyspark.sql import SparkSession

    submitted = "SPARK_ENV_LOADED" in os.environ or "PYSPARK_GATEWAY_PORT" in os.environ
    master = settings.engine.master
    require_reachable_views(settings, master)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    keep_compiled()
    builder = SparkSession.builder.appName(name)
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    if not submitted:
        root = Path(settings.engine.jars).expanduser() if settings.engine.jars else None
        jars = [str(path) for path in jar_paths("spark", root)]
        builder = builder.master(master).config("spark.driver.memory", f"{settings.engine.memory_bytes >> 10}k")
        # Inside one machine the class path does; copying jars into a fresh folder at every start costs 2 s.
        builder = builder.config("spark.driver.extraClassPath", ":".join(jars)) if local(master) else builder
        builder = builder if local(master) else builder.config("spark.jars", ",".join(jars))
        java = f"-Dlog4j.configurationFile={_log4j(settings).resolve().as_uri()} {LOCAL_JAVA if local(master) else ''}"
        builder = builder.config("spark.driver.extraJavaOptions", java)
        builder = builder.config("spark.sql.shuffle.partitions", str(os.cpu_count() or 2)) if local(master) else builder
        if local(master):  # else its ports, which ask for no password, are open to the network
            builder = builder.config("spark.driver.bindAddress", LOOPBACK).config("spark.driver.host", LOOPBACK)
        if local(master) and not settings.stores.lake:  # Hadoop gives files permissions of its own
            builder = builder.config("spark.hadoop.fs.permissions.umask-mode", "077")
        builder = builder.config("spark.local.dir", str(settings.home / "spark"))
        builder = builder.config("spark.sql.warehouse.dir", str(settings.home / "warehouse"))
    try:
        with _output_to(settings.home / "spark.log"), _interrupted_afterwards():
            session = builder.getOrCreate()
    except Exception as error:
        if "JAVA_GATEWAY_EXITED" in str(error) or isinstance(error, FileNotFoundError):
            raise SettingsError(
                "Spark did not start: Java 17 or newer is needed; `millrace doctor` says more"
            ) from error
        raise translated(error) from error
    require_reachable_views(settings, session.sparkContext.master or master)  # spark-submit may have another
    session.sparkContext.setLogLevel("ERROR")
    return session


def in_workers(
    rows: "DataFrame", work: "Callable[[Iterator[pa.RecordBatch]], Iterable[pa.RecordBatch]]", ddl: str
) -> "DataFrame":
    """Return what ``work`` makes of each task's rows, in Python workers that are reused; columns as in ``ddl``."""

    def worked(batches: "Iterator[pa.RecordBatch]") -> "Iterable[pa.RecordBatch]":
        # A worker collects garbage after each task: among all that its modules hold, 60 ms, or what the task left.
        gc.freeze()
        return work(batches)

    return rows.mapInArrow(worked, ddl)  # type: ignore[arg-type]


def numbered_tasks(
    spark: "SparkSession", count: int, work: "Callable[[int], Iterable[pa.RecordBatch]]", ddl: str
) -> "DataFrame":
    """Return what ``work`` makes of each number below ``count``, one task each; columns as in ``ddl``."""

    def worked(batches: "Iterable[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from work(number)

    return in_workers(spark.range(0, count, 1, count), worked, ddl)


@contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Delay SIGINT and SIGTERM to the end of the block: Java that is left while it starts would never end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    kept = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            # Spark has set its own handler by now, which asks Java to cancel the jobs from within the interrupted call.
            signal.signal(number, handler)
        for signal_number in came:
            signal.raise_signal(signal_number)


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send all output of programs started in the block to a file: Java greets, Delta reports what it deletes."""
    prepare_home(path.parent)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    with path.open("ab") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
            os.close(before)


def _log4j(settings: Settings) -> Path:
    """Write the settings of Spark's log; a file is the only way to set it before Spark starts."""
    prepare_home(settings.home)
    path = settings.home / "log4j2.properties"
    path.write_text(
        "rootLogger.level = error\nrootLogger.appenderRef.stderr.ref = stderr\n"
        "appender.stderr.type = Console\nappender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\n"
        "appender.stderr.layout.type = PatternLayout\n"
        "appender.stderr.layout.pattern = spark %p %c{1}: %m%n%ex{short}\n"
    )
    return path
