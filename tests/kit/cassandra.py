"""A single Cassandra node for tests; each context manager yields where it answers."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.machine.children import Child, child, free_port, listening
from adapters.machine.jars import jar_folder
from tests.kit.scratch import scratch

# A missing one ends the JVM without a useful message (Cassandra's own conf/jvm17-server.options names them).
EXPORTS = (
    "java.base/jdk.internal.misc java.base/java.lang.ref java.management/com.sun.jmx.remote.security "
    "java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server "
    "java.sql/java.sql jdk.unsupported/sun.misc jdk.compiler/com.sun.tools.javac.file jdk.attach/sun.tools.attach"
)
OPENS = (
    "java.base/java.lang java.base/java.lang.module java.base/java.lang.reflect java.base/java.util java.base/java.io "
    "java.base/java.nio java.base/sun.nio.ch java.base/jdk.internal.loader java.base/jdk.internal.ref "
    "java.base/jdk.internal.reflect java.base/jdk.internal.math java.base/jdk.internal.module "
    "java.base/jdk.internal.util.jar jdk.management/com.sun.management.internal jdk.compiler/com.sun.tools.javac"
)
CASSANDRA_YAML = """
cluster_name: tests
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
num_tokens: 1
storage_port: {storage_port}
ssl_storage_port: {ssl_storage_port}
native_transport_port: {port}
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1:{storage_port}"
data_file_directories: ["{home}/data"]
commitlog_directory: {home}/commitlog
saved_caches_directory: {home}/saved_caches
hints_directory: {home}/hints
cdc_raw_directory: {home}/cdc_raw
commitlog_sync: periodic
commitlog_sync_period: 10s
commitlog_segment_size: 5MiB
memtable_allocation_type: heap_buffers
disk_access_mode: standard
auto_snapshot: false
"""


@contextmanager
def cassandra_server() -> Iterator[int]:
    """A single Cassandra node that yields the port of its native protocol on 127.0.0.1; up in about 8 s."""
    port = free_port()
    with scratch("cassandra") as home, cassandra_process(port, home):
        yield port


@contextmanager
def cassandra_process(
    port: int, home: Path, more: str = "", answers: Callable[[int], bool] | None = None
) -> Iterator[Child]:
    """The process of a single node on that port; ``home`` keeps its data and its other ports.

    ``more``: lines for its settings. ``answers``: whether it answers, where it takes no plain connection.
    """
    jars = jar_folder("cassandra")
    if not (home / "cassandra.yaml").exists():
        ports = {"port": port, "storage_port": free_port(), "ssl_storage_port": free_port()}
        (home / "cassandra.yaml").write_text(CASSANDRA_YAML.format(home=home, **ports) + more)
    command = [
        *(
            "java",
            "-Xms512m",
            "-Xmx1g",
            "-XX:MaxDirectMemorySize=512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
        ),
        *(f"-javaagent:{next(jars.glob('jamm-*.jar'))}", "-Djdk.attach.allowAttachSelf=true"),
        "-Dio.netty.tryReflectionSetAccessible=true",
        *itertools.chain.from_iterable(("--add-exports", f"{package}=ALL-UNNAMED") for package in EXPORTS.split()),
        *itertools.chain.from_iterable(("--add-opens", f"{package}=ALL-UNNAMED") for package in OPENS.split()),
        *(f"-Dcassandra.config={(home / 'cassandra.yaml').as_uri()}", f"-Dcassandra.storagedir={home}"),
        *(f"-Dcassandra.logdir={home}/logs", "-Dcassandra-foreground=yes"),
        f"-Dcassandra.jmx.local.port={free_port()}",
        *("-Dcassandra.ring_delay_ms=1", "-Dcassandra.skip_wait_for_gossip_to_settle=0"),
        *("-cp", f"{jars}/*", "org.apache.cassandra.service.CassandraDaemon"),
    ]
    with child("cassandra", command, home / "cassandra.log", grace=0) as server:  # a clean stop takes 5 s
        server.wait_until(lambda: (answers or _cassandra_answers)(port), 240)
        yield server


def _cassandra_answers(port: int) -> bool:
    if not listening(port):
        return False
    try:
        run_cql(port, "SELECT release_version FROM system.local")
    except Exception as error:  # noqa: BLE001 - the driver reports a node that is not ready in many ways
        return "requires authentication" in str(error)  # it answers, and asks who we are
    return True


def run_cql(port: int, *statements: str) -> list[Any]:
    """Run CQL statements one after the other on a connection of their own; the rows of the last."""
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
    from cassandra.policies import RoundRobinPolicy

    profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=120)
    profiles = {EXEC_PROFILE_DEFAULT: profile}
    cluster = Cluster(["127.0.0.1"], port=port, execution_profiles=profiles, protocol_version=5)
    try:
        session = cluster.connect()
        return [session.execute(statement) for statement in statements][-1].all()  # type: ignore[no-any-return]
    finally:
        cluster.shutdown()
