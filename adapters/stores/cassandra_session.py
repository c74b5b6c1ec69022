"""A session with a Cassandra cluster: address, first connection, keyspace and tables, and its errors as sentences."""

import logging
import re
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cassandra import AuthenticationFailed, ConsistencyLevel, DriverException, InvalidRequest, Unauthorized
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.concurrent import execute_concurrent
from cassandra.connection import ConnectionException
from cassandra.policies import (
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    FallthroughRetryPolicy,
    TokenAwarePolicy,
)
from cassandra.protocol import ErrorMessage

from schemas.errors import MillraceError, SettingsError, StoreUnavailable

REFUSALS = (DriverException, NoHostAvailable, ErrorMessage, ConnectionException)
DDL_SECONDS = 30.0  # a cluster takes seconds to agree on a schema, once
CONCURRENCY = 32  # requests in flight
# A failed first connection is the answer for this long for all threads that want one. If each tried in turn, they would
# wait for the sum of their times.
FAILED_SECONDS = 1.0

logging.getLogger("cassandra").addHandler(logging.NullHandler())  # what matters is raised; the rest is not for stderr


@dataclass(frozen=True)
class Address:
    """What a ``cassandra://[user:password@]host:port[,host:port]/keyspace?options`` URL says."""

    hosts: tuple[tuple[str, int], ...]
    keyspace: str
    user: str = ""
    password: str = field(default="", repr=False)
    dc: str = ""  # the local data centre; it must be named when there are several
    replication: int = 1  # of a keyspace that Millrace creates
    tls: bool = False

    @staticmethod
    def of(url: str) -> "Address":
        try:
            return _parsed(url)
        except (ValueError, KeyError):  # its text may hold the password
            usage = "cassandra://[user:password@]host:port[,host:port]/keyspace[?replication=3&dc=name&tls=true]"
            raise SettingsError(f"Not a Cassandra URL: use {usage}") from None

    def __str__(self) -> str:
        return ",".join(f"{host}:{port}" for host, port in self.hosts) + f"/{self.keyspace}"


def _parsed(url: str) -> Address:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    keyspace = parts.path.removeprefix("/")
    if not re.fullmatch(r"[a-zA-Z]\w{0,47}", keyspace, re.ASCII) or options.keys() - {"replication", "dc", "tls"}:
        raise ValueError
    if not re.fullmatch(r"[\w.-]*", options.get("dc", "")):
        raise ValueError
    pairs = (host.partition(":") for host in hosts.split(","))
    return Address(
        hosts=tuple((host or "127.0.0.1", int(port or 9042)) for host, _, port in pairs),
        keyspace=keyspace,
        user=unquote(user),
        password=unquote(password),
        dc=options.get("dc", ""),
        replication=int(options.get("replication", "1")),
        tls={"false": False, "true": True}[options.get("tls", "false")],
    )


class CassandraSession:
    """Connects when first asked for something, and again if that failed; statements are prepared once."""

    def __init__(self, address: Address, timeout_ms: int) -> None:
        self.address = address
        self.seconds = timeout_ms / 1000
        self._lock = threading.Lock()
        self._cluster: Any = None
        self._session: Any = None
        self._prepared: dict[tuple[str, int], Any] = {}
        self._failure: Exception | None = None
        self._failed_at = 0.0

    def prepare(self, query: str, consistency: int = ConsistencyLevel.LOCAL_QUORUM) -> Any:
        """Return the statement, prepared; conditional ones are serial over all data centres."""
        session = self._connected()
        if (query, consistency) not in self._prepared:
            statement = session.prepare(query)
            statement.consistency_level = consistency
            statement.serial_consistency_level = ConsistencyLevel.SERIAL
            self._prepared[query, consistency] = statement
        return self._prepared[query, consistency]

    def execute(self, statement: Any, values: Sequence[Any] | None = None) -> Any:
        """Send one request; what the driver raises comes through, for callers that must tell the outcomes apart."""
        return self._connected().execute(statement, values)

    def start(self, statement: Any) -> Any:
        """Send one request in the background and return its future."""
        return self._connected().execute_async(statement)

    def execute_all(self, statements: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Send many requests at once and return their answers in the same order; the first error is raised."""
        answers = execute_concurrent(self._connected(), statements, CONCURRENCY, raise_on_first_error=True)
        return [rows for _, rows in answers]

    def close(self) -> None:
        with self._lock:
            if self._cluster is not None:
                self._cluster.shutdown()
            self._cluster = self._session = None

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the driver raises into errors that say what to do."""
        session = self._session
        try:
            yield
        except REFUSALS as error:
            if _unusable(error):
                self._forget(session)
            raise _as_ours(error, self.address) from None  # the driver's errors refer to the rows

    def _connected(self) -> Any:
        with self._lock:
            if self._session is None:
                if self._failure is not None and time.monotonic() < self._failed_at + FAILED_SECONDS:
                    raise self._failure
                try:
                    self._connect()
                except REFUSALS as failure:
                    self._failure, self._failed_at = failure, time.monotonic()
                    raise
            return self._session

    def _forget(self, session: Any) -> None:
        """Reconnect with the next request: the driver's pools never recover once the keyspace is gone."""
        with self._lock:
            if session is None or session is not self._session:
                return
            cluster, self._cluster, self._session = self._cluster, None, None
        cluster.shutdown()

    def _connect(self) -> None:
        cluster = self._new_cluster()
        try:
            session = cluster.connect()
            self._create_missing(session)
            cluster.refresh_keyspace_metadata(self.address.keyspace)  # its replicas, to ask the nodes that have a row
        except BaseException:
            cluster.shutdown()
            raise
        self._prepared.clear()
        self._cluster, self._session = cluster, session

    def _new_cluster(self) -> Any:
        profile = ExecutionProfile(
            load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(self.address.dc)),
            retry_policy=FallthroughRetryPolicy(),  # a conditional write that is sent twice must be known to have been
            consistency_level=ConsistencyLevel.LOCAL_QUORUM,
            request_timeout=self.seconds,
        )
        address = self.address
        return Cluster(
            address.hosts,
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            auth_provider=PlainTextAuthProvider(address.user, address.password) if address.user else None,
            ssl_context=ssl.create_default_context() if address.tls else None,
            protocol_version=5,  # named, so that nothing is negotiated and warned about
            connect_timeout=self.seconds,
            control_connection_timeout=self.seconds,
            reconnection_policy=ExponentialReconnectionPolicy(1, 10),  # a node that is back is used within 10 s
            schema_metadata_enabled=False,  # reading every table of the cluster takes longer than a lookup
        )

    def _create_missing(self, session: Any) -> None:
        keyspace = self.address.keyspace
        if keyspace not in _names(session, "SELECT keyspace_name FROM system_schema.keyspaces"):
            strategy = (
                f"{{'class': 'NetworkTopologyStrategy', '{self.address.dc}': {self.address.replication}}}"
                if self.address.dc
                else f"{{'class': 'SimpleStrategy', 'replication_factor': {self.address.replication}}}"
            )
            create = f'CREATE KEYSPACE IF NOT EXISTS "{keyspace}" WITH replication = {strategy}'
            session.execute(create, timeout=DDL_SECONDS)
        session.set_keyspace(keyspace)
        present = _names(session, f"SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}'")  # noqa: S608 - the keyspace's name is checked
        for table, statement in _tables().items():
            if table not in present:
                session.execute(statement, timeout=DDL_SECONDS)


def _names(session: Any, query: str) -> set[str]:
    return {row[0] for row in session.execute(query)}


def _tables() -> dict[str, str]:
    """Return the CREATE statement of each table."""
    text = re.sub(r"--.*", "", files("schemas").joinpath("cassandra.cql").read_text())
    statements = (statement.strip() for statement in text.split(";"))
    return {statement.split()[5]: statement for statement in statements if statement}


def _unusable(error: Exception) -> bool:
    """Return whether no node has a connection left, or a node came back empty, without keyspace or tables."""
    if isinstance(error, NoHostAvailable):
        return not error.errors
    return isinstance(error, InvalidRequest) and re.search("does not exist|unconfigured table", str(error)) is not None


def _as_ours(error: Exception, address: Address) -> MillraceError:
    causes = [error]
    if isinstance(error, NoHostAvailable):
        causes = [cause for cause in error.errors.values() if isinstance(cause, Exception)] or causes
    text = str(causes[0])[:500]
    if any(isinstance(cause, AuthenticationFailed | Unauthorized) for cause in causes):
        return SettingsError(f"Cassandra at {address} refuses user or password: {text}")
    if isinstance(error, InvalidRequest) and not _unusable(error):
        return SettingsError(f"Cassandra at {address} refuses a request: {text}")
    return StoreUnavailable(f"Cassandra at {address} did not answer: {text}")
