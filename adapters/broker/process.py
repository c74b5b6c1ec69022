"""The broker itself: one Kafka node (KRaft) as a Java child process with its data in the home."""

import base64
import json
import os
import shutil
import uuid
from functools import partial
from pathlib import Path

from adapters.broker.home import Announcement, BrokerHome, replace_text
from adapters.log.client import cluster_id
from adapters.machine.children import Child, ChildFailed, free_port, listening, port_is_free, start
from adapters.machine.jars import class_archive
from schemas.errors import LogUnavailable, MillraceError, SettingsError

START_SECONDS = 120.0  # 3 s on an idle machine, 30 s seen on a busy one
FORMAT_SECONDS = 60.0
PORT_TRIES = 3
# With C1 alone a start takes 2.8 s of processor time instead of 4.3, the first 300,000 records 1.4 s instead of 2.9.
# Serial collection begins with a sixty-fourth of the machine's memory, all of which it fills before it first collects.
JVM = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
# Few threads, because the broker shares the machine with Spark. Each topic sets its own retention. After a kill -9 the
# node may not register again until its last session has timed out: with Kafka's 9 s a restart took 17 s.
SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
log.retention.ms=-1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=1048577
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
num.network.threads=2
num.io.threads=4
background.threads=2
"""
REASON_LINES = 500  # the last lines of its log, in which the reason is looked for
REMEDIES = {
    "UnsupportedClassVersionError": "Java 17 or newer is needed; install it or point JAVA_HOME at it",
    "Could not reserve enough space": "the broker needs 512 MiB of memory; free some",
    "insufficient memory": "the broker needs 512 MiB of memory; free some",
    "No space left on device": "free space on the disk that holds the home",
    "Permission denied": "make the home writable for this user",
}


def start_broker(
    files: BrokerHome, jars: Path, lock_fd: int, java_options: tuple[str, ...] = ()
) -> tuple[Child, Announcement]:
    """Start the home's broker and return when it answers; formats its data folder if there is none.

    The broker inherits ``lock_fd``, so that the lock is held until the broker has ended, too.

    Raises:
        SettingsError, LogUnavailable: it did not start; the text carries the last lines of its log.
    """
    try:
        if not files.data.exists():
            _format(files, jars, lock_fd)
        for attempt in range(PORT_TRIES):
            try:
                ports = _ports(files, fresh=attempt > 0)
                return _start_on(ports, files, [*_java(jars, java_options), "kafka.Kafka"], lock_fd)
            except ChildFailed:
                if attempt + 1 == PORT_TRIES or b"BindException" not in files.log.read_bytes():
                    raise
    except ChildFailed as error:
        raise _explained(error, files) from error
    raise AssertionError("the last try returns or raises")


def _start_on(
    ports: tuple[int, int], files: BrokerHome, command: list[str], lock_fd: int
) -> tuple[Child, Announcement]:
    properties = _write_properties(files.folder / "server.properties", files.data, ports)
    if files.log.exists():
        files.log.replace(files.log.with_suffix(".log.1"))
    announcement = Announcement(f"127.0.0.1:{ports[0]}", _formatted_cluster_id(files))
    broker = start("the broker", [*command, str(properties)], files.log, pass_fds=[lock_fd])
    try:
        broker.wait_until(partial(_answers, announcement, ports[0]), START_SECONDS)
    except BaseException:
        broker.stop(0)
        raise
    return broker, announcement


def _answers(announcement: Announcement, port: int) -> bool:
    if not listening(port):
        return False
    try:
        return cluster_id(announcement.bootstrap, {}, timeout=2.0) == announcement.cluster_id
    except LogUnavailable:
        return False


def _ports(files: BrokerHome, *, fresh: bool) -> tuple[int, int]:
    """Return broker and controller port: the last ones if they are free, as clients may still connect there."""
    kept = files.folder / "ports.json"
    if kept.exists() and not fresh:
        port, controller_port = json.loads(kept.read_text())
        if port_is_free(port) and port_is_free(controller_port):
            return port, controller_port
    port, controller_port = free_port(), free_port()
    replace_text(kept, json.dumps([port, controller_port]))
    return port, controller_port


def _format(files: BrokerHome, jars: Path, lock_fd: int) -> None:
    """Create the data folder completely or not at all, because its cluster id never changes."""
    making = files.folder / "formatting"
    shutil.rmtree(making, ignore_errors=True)
    properties = _write_properties(files.folder / "format.properties", making, (9092, 9093))
    tool = ["kafka.tools.StorageTool", "format", "--standalone", "-t", _new_id(), "-c", str(properties)]
    log = files.folder / "format.log"
    formatting = start("formatting the broker's folder", [*_java(jars), *tool], log, pass_fds=[lock_fd])
    try:
        formatting.process.wait(FORMAT_SECONDS)
    finally:
        formatting.stop(0)
    if formatting.process.returncode != 0:
        raise ChildFailed(f"the broker's folder could not be formatted:\n{formatting.last_lines()}")
    making.rename(files.data)


def _write_properties(path: Path, data: Path, ports: tuple[int, int]) -> Path:
    # In a properties file a backslash is an escape.
    folder = str(data).replace("\\", "\\\\")
    replace_text(path, SERVER_PROPERTIES.format(data=folder, port=ports[0], controller_port=ports[1]))
    return path


def _java(jars: Path, options: tuple[str, ...] = ()) -> list[str]:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    if java is None:
        raise SettingsError(
            "the embedded broker needs Java 17, and there is no java here; install it (e.g. apt install "
            "openjdk-17-jre-headless) or name a cluster in MILLRACE_KAFKA"
        )
    archive = class_archive(jars)
    if not options and archive.exists():
        options = (f"-XX:SharedArchiveFile={archive}",)
    return [java, *JVM, *options, "-cp", f"{jars}/*"]


def _formatted_cluster_id(files: BrokerHome) -> str:
    lines = (files.data / "meta.properties").read_text().splitlines()
    return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))


def _new_id() -> str:
    """Return a Kafka id: 16 random bytes in URL-safe base64, not beginning with a dash."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not made.startswith("-"):
            return made


def ended(broker: Child, files: BrokerHome) -> MillraceError:
    """Return the error for a broker that ended while it was used."""
    text = f"the embedded broker ended with status {broker.process.returncode}:\n{broker.last_lines()}"
    remedy = _remedy(broker.last_lines(REASON_LINES))
    if remedy:
        return SettingsError(f"{remedy}; {text}\n(the whole log is in {files.folder})")
    return LogUnavailable(f"{text}\nthe next command starts it again")


def _explained(error: ChildFailed, files: BrokerHome) -> MillraceError:
    text = f"the embedded broker did not start: {error}\n(the whole log is in {files.folder})"
    remedy = _remedy(str(error))
    if remedy:
        return SettingsError(f"{remedy}; {text}")
    return LogUnavailable(f"{text}; try again, or name a cluster in MILLRACE_KAFKA")


def _remedy(lines: str) -> str | None:
    return next((remedy for sign, remedy in REMEDIES.items() if sign in lines), None)
